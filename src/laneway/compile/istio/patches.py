"""EnvoyFilters for fallback, and for other properties of a route that Istio's API cannot express.

There are four sorts of patches. One adds a cluster over Istio's subsets, which uses the first
subset with a healthy instance. One finds a route by its name, sends it to that cluster, and retries
requests that did not reach an application. One makes a workload's inbound side mark such requests.
One inserts an HTTP filter before the router (see ``lane_filters``).
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence

from laneway.compile.headers import UNREACHABLE_HEADER
from laneway.compile.ir import Split, Target
from laneway.compile.istio import names
from laneway.compile.istio.resources import ENVOY_FILTER, Document, document
from laneway.model.lanes import LaneGroup, Sticky, StickyKind

SIDECAR = "SIDECAR_OUTBOUND"
GATEWAY = "GATEWAY"
INBOUND = "SIDECAR_INBOUND"

_AGGREGATE = "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig"
_CONNECTIONS = "envoy.filters.network.http_connection_manager"
_PRIORITIES = "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig"
_UNLIMITED = 4294967295

#: Envoy's own: a random UUID, another one each time.
FRESH_ID = "%UNIQUE_ID%"


def envoy_filter(
    namespace: str,
    name: str,
    group: LaneGroup,
    patches: Sequence[Document],
    selector: Mapping[str, str] | None = None,
    groups: Collection[str] = (),
    priority: int = 0,
) -> Document:
    """Patches for the proxies that ``selector`` selects, or for all proxies without one.

    Istio applies those with a higher ``priority`` later.
    """
    selected = {"workloadSelector": {"labels": dict(selector)}} if selector else {}
    ordered = {"priority": priority} if priority else {}
    spec = {**selected, **ordered, "configPatches": list(patches)}
    return document(ENVOY_FILTER, "EnvoyFilter", namespace, name, group, spec, groups)


def added_clusters(context: str, targets: Iterable[Target]) -> list[Document]:
    """An aggregate cluster for each chain that has a fallback."""
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


def to_target(target: Target) -> Document:
    """The action that sends requests to the chain, if the target has a fallback."""
    return {"cluster": names.target_cluster(target)} if len(target.chain) > 1 else {}


def tried_again() -> Document:
    """The action's retries, in addition to those of ``resources.retries``.

    They do not eject an instance whose application is dead, so a request may try it again. After
    two tries in a lane it goes to the next one of the chain.
    """
    priorities = {
        "name": "envoy.retry_priorities.previous_priorities",
        "typed_config": {"@type": f"type.googleapis.com/{_PRIORITIES}", "update_frequency": 2},
    }
    return {
        "retry_policy": {
            "retriable_headers": [{"name": UNREACHABLE_HEADER, "present_match": True}],
            "retry_priority": priorities,
            "retry_back_off": {"base_interval": "0.002s", "max_interval": "0.02s"},
        }
    }


def tried_again_in_subset() -> Document:
    """The same for retries that a rule asks for: they never go to another lane."""
    unreachable = [{"name": UNREACHABLE_HEADER, "present_match": True}]
    return {"retry_policy": {"retriable_headers": unreachable}}


def inserted_filter(context: str, value: Document) -> Document:
    """An HTTP filter right before the router, where Istio puts its own extensions."""
    connections = {"name": _CONNECTIONS, "subFilter": {"name": "envoy.filters.http.router"}}
    return {
        "applyTo": "HTTP_FILTER",
        "match": {"context": context, "listener": {"filterChain": {"filter": connections}}},
        "patch": {"operation": "INSERT_BEFORE", "value": value},
    }


def unreachable_header() -> list[Document]:
    """On the inbound side, marks a response if the request could not be delivered.

    Envoy's flag is UF: no connection to the application, so the request has certainly not arrived.
    The mark is removed from responses of applications.
    """
    mapper = {
        "filter": {"response_flag_filter": {"flags": ["UF"]}},
        "headers_to_add": [
            _header(UNREACHABLE_HEADER, "%RESPONSE_FLAGS%", "OVERWRITE_IF_EXISTS_OR_ADD")
        ],
    }
    config = {
        "@type": f"type.googleapis.com/{_CONNECTIONS.replace('envoy.', 'envoy.extensions.', 1)}"
        ".v3.HttpConnectionManager",
        "local_reply_config": {"mappers": [mapper]},
    }
    return [
        {
            "applyTo": "NETWORK_FILTER",
            "match": {
                "context": INBOUND,
                "listener": {"filterChain": {"filter": {"name": _CONNECTIONS}}},
            },
            "patch": {"operation": "MERGE", "value": {"typed_config": config}},
        },
        {
            "applyTo": "HTTP_ROUTE",
            "match": {"context": INBOUND},
            "patch": {
                "operation": "MERGE",
                "value": {"response_headers_to_remove": [UNREACHABLE_HEADER]},
            },
        },
    ]


def by_weight(split: Split) -> Document:
    """The action that routes by weight. It replaces the one cluster that Istio generates.

    (Merged into weights that Istio generates, the list of clusters would be appended to it.)
    """
    clusters = [
        {
            "name": names.target_cluster(share.target),
            "weight": share.weight,
            **lane_named(split.header, share.lane),
        }
        for share in split.ranges
    ]
    weighted: Document = {"clusters": clusters}
    if split.sticky is None:
        return {"weighted_clusters": weighted}
    weighted["use_hash_policy"] = True
    policies = [hash_policy(split.sticky)]
    return {"weighted_clusters": weighted, "hash_policy": policies}


def filled_in(headers: Iterable[str], empty: Container[str] = ()) -> Document:
    """Headers that the gateway adds if they are missing: without a trace id no lane is remembered.

    The value is a random UUID, not one from the client, whose ids may repeat or be known to others.
    ``empty`` are the headers that are present but empty.
    """
    added = [
        _header(
            name.lower(),
            FRESH_ID,
            "OVERWRITE_IF_EXISTS_OR_ADD" if name.lower() in empty else "ADD_IF_ABSENT",
        )
        for name in headers
    ]
    return {"request_headers_to_add": added} if added else {}


def lane_named(header: str, lane: str) -> Document:
    """Sets the route header of the request to ``lane``, whatever its value was; without a lane,
    removes it."""
    if not lane:
        return {"request_headers_to_remove": [header.lower()]}
    return {"request_headers_to_add": [_header(header.lower(), lane, "OVERWRITE_IF_EXISTS_OR_ADD")]}


def _header(name: str, value: str, action: str) -> Document:
    return {"header": {"key": name, "value": value}, "append_action": action}


def hash_policy(sticky: Sticky) -> Document:
    if sticky.kind is StickyKind.HEADER:
        return {"header": {"header_name": sticky.name.lower()}}
    return {"cookie": {"name": sticky.name}}
