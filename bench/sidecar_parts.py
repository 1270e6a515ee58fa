"""The parts of a sidecar's configuration, each as an edit that takes it out of a snapshot.

For benchmarks of what each part costs. A sidecar without a part keeps none of the promises that the
part is for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.uncounted_snapshots import without_figures
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions

from laneway.compile.resources import CLUSTER, LISTENER, ROUTE, Resource, Snapshot

Edit = Callable[[Snapshot], Snapshot]
_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_HEADER_MUTATION = "envoy.http.early_header_mutation.header_mutation"


def _edited(type_url: str, message: Callable[[], object], edit: Callable[..., None]) -> Edit:
    """A snapshot's resources of a type, each edited in place."""

    def apply(snapshot: Snapshot) -> Snapshot:
        found = {}
        for name, resource in snapshot.resources(type_url).items():
            each = message()
            each.ParseFromString(resource.body)  # type: ignore[attr-defined]
            edit(each)
            body = each.SerializeToString(deterministic=True)  # type: ignore[attr-defined]
            found[name] = Resource.of(type_url, name, body)
        return Snapshot({**snapshot.types, type_url: found})

    return apply


def managers(edit: Callable[[hcm_pb2.HttpConnectionManager], None]) -> Edit:
    def apply(listener: Listener) -> None:
        manager = hcm_pb2.HttpConnectionManager()
        (only,) = listener.filter_chains[0].filters
        only.typed_config.Unpack(manager)
        edit(manager)
        only.typed_config.Pack(manager)

    return _edited(LISTENER, Listener, apply)


def _upstreams(edit: Callable[[HttpProtocolOptions], None]) -> Edit:
    def apply(cluster: Cluster) -> None:
        if _OPTIONS in cluster.typed_extension_protocol_options:
            options = HttpProtocolOptions()
            cluster.typed_extension_protocol_options[_OPTIONS].Unpack(options)
            edit(options)
            cluster.typed_extension_protocol_options[_OPTIONS].Pack(options)

    return _edited(CLUSTER, Cluster, apply)


def _routes(edit: Callable[[RouteConfiguration], None]) -> Edit:
    return _edited(ROUTE, RouteConfiguration, edit)


def _no_filters(manager: hcm_pb2.HttpConnectionManager) -> None:
    del manager.http_filters[:-1]


def _no_retries(configuration: RouteConfiguration) -> None:
    for host in configuration.virtual_hosts:
        for route in host.routes:
            route.route.ClearField("retry_policy")


def _no_choice(configuration: RouteConfiguration) -> None:
    parts = configuration.name.split("|")
    for host in configuration.virtual_hosts:
        for route in host.routes:
            if route.route.HasField("inline_cluster_specifier_plugin"):
                route.route.ClearField("inline_cluster_specifier_plugin")
                route.route.cluster = "|".join((*parts[:2], "s1", parts[-1]))


def _no_headers_of_answers(configuration: RouteConfiguration) -> None:
    del configuration.response_headers_to_remove[:]
    for host in configuration.virtual_hosts:
        del host.response_headers_to_add[:]
        del host.response_headers_to_remove[:]
        for route in host.routes:
            del route.response_headers_to_add[:]
            del route.response_headers_to_remove[:]


def _no_headers_of_answers_in(manager: hcm_pb2.HttpConnectionManager) -> None:
    if manager.HasField("route_config"):
        _no_headers_of_answers(manager.route_config)


def _by_authority(manager: hcm_pb2.HttpConnectionManager) -> None:
    """Other hosts than services would not be found any more."""
    if manager.HasField("scoped_routes"):
        (fragment,) = manager.scoped_routes.scope_key_builder.fragments
        fragment.header_value_extractor.Clear()
        fragment.header_value_extractor.name = ":authority"
        fragment.header_value_extractor.index = 0
    every = list(manager.early_header_mutation_extensions)
    del manager.early_header_mutation_extensions[:]
    manager.early_header_mutation_extensions.extend(e for e in every if e.name != _HEADER_MUTATION)


def _no_error_log(manager: hcm_pb2.HttpConnectionManager) -> None:
    every = list(manager.access_log)
    del manager.access_log[:]
    manager.access_log.extend(e for e in every if e.name != "envoy.access_loggers.stderr")


#: What it takes to leave out each part.
PARTS: Mapping[str, tuple[Edit, ...]] = {
    "figures of lanes": (without_figures,),
    "timer of request headers": (
        managers(lambda manager: manager.ClearField("request_headers_timeout")),
    ),
    "retries": (_routes(_no_retries),),
    "headers of answers": (_routes(_no_headers_of_answers), managers(_no_headers_of_answers_in)),
    "error matcher": (_upstreams(lambda options: options.ClearField("outlier_detection")),),
    "outlier detection": (
        _edited(CLUSTER, Cluster, lambda cluster: cluster.ClearField("outlier_detection")),
    ),
    "choice by lane": (_routes(_no_choice),),
    "header for the host": (managers(_by_authority),),
    "filters for other hosts": (
        managers(_no_filters),
        _routes(lambda configuration: configuration.typed_per_filter_config.clear()),
    ),
    "log of broken requests": (managers(_no_error_log),),
}
#: Connections to the application that stay open between requests, however slow those are.
STEADY: Edit = _upstreams(
    lambda options: options.common_http_protocol_options.ClearField("idle_timeout")
)
