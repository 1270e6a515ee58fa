"""Names of proxies, resources and headers. They are Istio's wherever Istio has one."""

from __future__ import annotations

from laneway.compile.headers import UNREACHABLE_HEADER as UNREACHABLE_HEADER
from laneway.compile.ir import Target
from laneway.model.names import ObjectName

#: Of a request, in milliseconds: how long the workload's proxy may wait for an answer.
TRY_TIMEOUT_HEADER = "x-laneway-try-timeout"
#: Of a response that a workload's proxy gives in place of its application, which took too long.
TIMED_OUT_HEADER = "x-laneway-timed-out"

#: Carries the ``grpc-status`` of a response without a body from the inbound proxy to the caller's.
#: Under its own name, Envoy would count UNAVAILABLE or UNIMPLEMENTED as a failure of the instance,
#: whatever the error matcher says, and eject it.
GRPC_STATUS_HEADER = "x-laneway-grpc-status"

#: The cluster for hosts outside the mesh, which are resolved by DNS.
PASSTHROUGH = "PassthroughCluster"

#: A sidecar's own outbound listener, for requests that clients tunnel through it by CONNECT.
TUNNEL = "TunnelCluster"

#: A new random UUID. A generated trace id never comes from the client, whose own ids may repeat or
#: be known to others: anybody who knows the id of a request can change its lane.
FRESH_ID = "%UNIQUE_ID%"

#: A cluster that does not exist: requests routed to it are answered 404.
NOT_FOUND = "NotFoundCluster"

#: A sidecar's scopes, and the header that chooses one by the called host. Its value is
#: ``SCHEME://HOST``. The scheme is that in the request target, as clients of a proxy write it
#: (``GET http://host/``); it is empty for ``GET /``. Only the sidecar uses the header: it replaces
#: what the application sets, and removes it before sending the request.
SCOPES = "outbound"
HOST_HEADER = "x-laneway-host"

#: Also used by the sidecar only: whether, and for which group, the calls of its workload belong to
#: the workload's lane; and that lane.
CALLER_HEADER = "x-laneway-caller"
CALLER_LANE_HEADER = "x-laneway-caller-lane"

#: Marks requests that a sidecar sends out of the mesh, so that no other sidecar accepts them.
EGRESS_HEADER = "x-laneway-egress"

#: The key of the scope for hosts outside the mesh, and the name of the scope and of its routes,
#: which no host has (``*`` means all resources in xDS).
ANY_HOST = "*"
PASSTHROUGH_ROUTES = "PassthroughRoutes"


def sidecar_node(workload: ObjectName, generation: int = 1) -> str:
    """``generation`` as in ``SidecarPlacement``."""
    return f"sidecar~{_numbered(workload, generation)}"


def workload_of(node: str) -> ObjectName | None:
    """The workload whose sidecar that is; None for a gateway."""
    kind, _, numbered = node.partition("~")
    name, _, namespace = numbered.rpartition(".")
    return ObjectName(namespace, name.partition("~")[0]) if kind == "sidecar" else None


def gateway_node(gateway: ObjectName, generation: int = 1) -> str:
    return f"router~{_numbered(gateway, generation)}"


def _numbered(name: ObjectName, generation: int) -> str:
    number = f"~{generation}" if generation > 1 else ""
    return f"{name.name}{number}.{name.namespace}"


def subset_cluster(host: str, port: int, subset: str) -> str:
    """The cluster of a lane and service. An empty ``subset`` means all workloads of the service."""
    return f"outbound|{port}|{subset}|{host}"


def target_cluster(target: Target) -> str:
    """The cluster that a route names: a subset's, or the aggregate cluster of a chain (a>b)."""
    return subset_cluster(target.service.host, target.port.port, ">".join(target.chain))


def absent_cluster(default: Target) -> str:
    """The default's cluster, for requests to a lane of which the service has no subset (?>s1)."""
    return subset_cluster(default.service.host, default.port.port, ">".join(["?", *default.chain]))


def inbound_cluster(port: int) -> str:
    return f"inbound|{port}||"


def service_routes(host: str, port: int) -> str:
    """The route configuration for calls of one port of a service."""
    return f"outbound|{port}||{host}"


def gateway_routes(gateway: ObjectName, port: int) -> str:
    return f"gateway|{port}|{gateway}"
