"""Snapshots as plain documents, for ``laneway render --dialect envoy`` and for golden tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.endpoint.v3 import endpoint_pb2
from envoy.config.listener.v3 import listener_pb2
from envoy.config.route.v3 import route_pb2, scoped_route_pb2
from google.protobuf.json_format import MessageToDict

from laneway.compile.resources import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    ROUTE,
    SCOPE,
    Layers,
    Resource,
    Resources,
    Snapshot,
)

_MESSAGES = {
    CLUSTER: cluster_pb2.Cluster,
    ENDPOINT: endpoint_pb2.ClusterLoadAssignment,
    LISTENER: listener_pb2.Listener,
    ROUTE: route_pb2.RouteConfiguration,
    SCOPE: scoped_route_pb2.ScopedRouteConfiguration,
}


def documents(snapshots: Mapping[str, Snapshot]) -> Iterable[dict[str, Any]]:
    """``{node, resource}`` for every resource. A shared resource comes once, with the node ``*``.

    ``resource`` is in protobuf's JSON form, with Envoy's (snake case) field names.
    """
    owners: dict[int, tuple[str, Resource]] = {}
    visits: dict[int, int] = {}
    for node, snapshot in snapshots.items():
        for layer in (
            layer for resources in snapshot.types.values() for layer in _layers(resources)
        ):
            visits[id(layer)] = visits.get(id(layer), 0) + 1
            if visits[id(layer)] > 2:  # its resources are known to be shared
                continue
            for resource in layer.values():
                shared = id(resource) in owners
                owners[id(resource)] = ("*" if shared else node, resource)
    for node, resource in owners.values():
        yield {"node": node, "resource": document(resource)}


def _layers(resources: Resources) -> Iterable[Resources]:
    """The layers of a proxy's resources. Shared layers are the same objects for all proxies."""
    return [resources.own, resources.shared] if isinstance(resources, Layers) else [resources]


def document(resource: Resource) -> dict[str, Any]:
    message = _MESSAGES[resource.type_url].FromString(resource.body)
    fields = _plain(MessageToDict(message, preserving_proto_field_name=True))
    return {"@type": resource.type_url, **fields}


def _plain(value: Any) -> Any:
    """Plain data in a fixed order: type and name first, then by key (protobuf's maps have none)."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (key != "@type", key != "name", key))
        return {key: _plain(value[key]) for key in keys}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
