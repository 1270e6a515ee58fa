"""EnvoyFilter: fallback, and what else Istio's own API cannot say of a route.

Patches are of two sorts. A cluster is added that Envoy fills from Istio's subsets: it serves from
the first of them that has a healthy instance. A route, found by its name, is led to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from laneway.compile.ir import Split, Target
from laneway.compile.istio import names
from laneway.compile.istio.resources import ENVOY_FILTER, Document, document
from laneway.model.lanes import LaneGroup, Sticky, StickyKind

SIDECAR = "SIDECAR_OUTBOUND"
GATEWAY = "GATEWAY"

_AGGREGATE = "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig"
_UNLIMITED = 4294967295


def envoy_filter(
    namespace: str,
    name: str,
    group: LaneGroup,
    patches: Sequence[Document],
    selector: Mapping[str, str] | None = None,
) -> Document:
    """For the proxies that ``selector`` selects; without one, for all that the patches concern."""
    selected = {"workloadSelector": {"labels": dict(selector)}} if selector else {}
    spec = {**selected, "configPatches": list(patches)}
    return document(ENVOY_FILTER, "EnvoyFilter", namespace, name, group, spec)


def added_clusters(context: str, targets: Iterable[Target]) -> list[Document]:
    """An aggregate for every target with a fallback, once for each chain."""
    chains = {names.target_cluster(target): target for target in targets if len(target.chain) > 1}
    return [_added_cluster(context, target) for target in chains.values()]


def _added_cluster(context: str, target: Target) -> Document:
    service = target.service.name
    subsets = [names.subset_cluster(target, subset) for subset in target.chain]
    cluster = {
        "name": names.target_cluster(target),
        "connect_timeout": "10s",
        "lb_policy": "CLUSTER_PROVIDED",
        "cluster_type": {
            "name": "envoy.clusters.aggregate",
            "typed_config": {"@type": _AGGREGATE, "clusters": subsets},
        },
        # Never to an instance known to be dead.
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        # As Istio's own clusters; Envoy's default would allow three retries at a time.
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": _UNLIMITED,
                    "max_pending_requests": _UNLIMITED,
                    "max_requests": _UNLIMITED,
                    "max_retries": _UNLIMITED,
                }
            ]
        },
        # Istio's metrics take the destination service from here.
        "metadata": {
            "filter_metadata": {
                "istio": {
                    "services": [
                        {
                            "host": target.service.host,
                            "name": service.name,
                            "namespace": service.namespace,
                        }
                    ]
                }
            }
        },
    }
    return {
        "applyTo": "CLUSTER",
        "match": {"context": context},
        "patch": {"operation": "ADD", "value": cluster},
    }


def merged_route(context: str, route: str, value: Document) -> Document:
    """``value`` is merged, as protobuf merges, into the route of that name."""
    return {
        "applyTo": "HTTP_ROUTE",
        "match": {
            "context": context,
            "routeConfiguration": {"vhost": {"route": {"name": route}}},
        },
        "patch": {"operation": "MERGE", "value": value},
    }


def to_chain(target: Target) -> Document:
    """The route's cluster where the target has a fallback."""
    return {"route": {"cluster": names.target_cluster(target)}} if len(target.chain) > 1 else {}


def by_weight(split: Split) -> Document:
    """Weights over chains. They replace the one cluster that Istio generates for the route.

    (Merged into weights that Istio generates, the list of clusters would be appended to it.)
    """
    clusters = [
        {
            "name": names.target_cluster(share.target),
            "weight": share.weight,
            "request_headers_to_add": [
                _header(split.header.lower(), share.lane, "OVERWRITE_IF_EXISTS_OR_ADD")
            ],
        }
        for share in split.ranges
    ]
    weighted: Document = {"clusters": clusters}
    if split.sticky is None:
        return {"route": {"weighted_clusters": weighted}}
    weighted["use_hash_policy"] = True
    policies = [_hash_policy(split.sticky)]
    return {"route": {"weighted_clusters": weighted, "hash_policy": policies}}


def filled_in(headers: Iterable[str]) -> Document:
    """Headers that the request gets if it has none: without a trace id no lane is remembered."""
    added = [_header(name.lower(), "%REQ(x-request-id)%", "ADD_IF_ABSENT") for name in headers]
    return {"request_headers_to_add": added} if added else {}


def _header(name: str, value: str, action: str) -> Document:
    return {"header": {"key": name, "value": value}, "append_action": action}


def _hash_policy(sticky: Sticky) -> Document:
    if sticky.kind is StickyKind.HEADER:
        return {"header": {"header_name": sticky.name.lower()}}
    return {"cookie": {"name": sticky.name}}
