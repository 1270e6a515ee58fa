"""Snapshots of sidecars that do not count something, for benchmarks of what counting costs."""

from __future__ import annotations

from collections.abc import Callable

from envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from envoy.config.listener.v3 import listener_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)

from laneway.compile.resources import LISTENER, Resource, Snapshot

#: What the names of the lane filter's extensions begin with.
_FILTER = "laneway.trace_memory"


def without_figures(snapshot: Snapshot) -> Snapshot:
    """The same, with listeners that do not count requests by lane."""

    def change(manager: hcm_pb2.HttpConnectionManager) -> None:
        _keep_logs(manager, lambda name: name != "envoy.access_loggers.stats")

    return _changed(snapshot, change)


def without_calls(snapshot: Snapshot) -> Snapshot:
    """The same, with listeners that do not count calls that leave their lane. Where applications
    pass on the route header itself, that is all that the native module is there for."""

    def change(manager: hcm_pb2.HttpConnectionManager) -> None:
        every = list(manager.early_header_mutation_extensions)
        kept = [each for each in every if not _only_counts(each)]
        del manager.early_header_mutation_extensions[:]
        manager.early_header_mutation_extensions.extend(kept)
        ours = f"{_FILTER}." if len(kept) < len(every) else f"{_FILTER}.outbound."
        _keep_logs(manager, lambda name: not name.startswith(ours))

    return _changed(snapshot, change)


def _only_counts(mutation: TypedExtensionConfig) -> bool:
    carriers = (b"trace_header", b"baggage_key")
    settings = mutation.typed_config.value
    return mutation.name.startswith(_FILTER) and not any(each in settings for each in carriers)


def _keep_logs(manager: hcm_pb2.HttpConnectionManager, wanted: Callable[[str], bool]) -> None:
    kept = [each for each in manager.access_log if wanted(each.name)]
    del manager.access_log[:]
    manager.access_log.extend(kept)


def _changed(
    snapshot: Snapshot, change: Callable[[hcm_pb2.HttpConnectionManager], None]
) -> Snapshot:
    listeners = {
        name: _listener(resource, change) for name, resource in snapshot.resources(LISTENER).items()
    }
    return Snapshot({**snapshot.types, LISTENER: listeners})


def _listener(
    resource: Resource, change: Callable[[hcm_pb2.HttpConnectionManager], None]
) -> Resource:
    listener = listener_pb2.Listener.FromString(resource.body)
    manager = hcm_pb2.HttpConnectionManager()
    (filter_,) = listener.filter_chains[0].filters
    filter_.typed_config.Unpack(manager)
    change(manager)
    filter_.typed_config.Pack(manager)
    return Resource.of(LISTENER, resource.name, listener.SerializeToString(deterministic=True))
