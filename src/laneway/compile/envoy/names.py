"""Names that proxies, resources and headers go by. Istio's, wherever Istio has one."""

from __future__ import annotations

from laneway.compile.headers import UNREACHABLE_HEADER as UNREACHABLE_HEADER
from laneway.compile.ir import Target
from laneway.model.names import ObjectName

#: The ``grpc-status`` of an application that answered with headers alone, from its inbound proxy to
#: the caller's. Under its own name Envoy would count it against the instance, whatever the error
#: matcher says, and eject an instance that only said UNAVAILABLE or UNIMPLEMENTED.
GRPC_STATUS_HEADER = "x-laneway-grpc-status"

#: Where calls to hosts outside the mesh go: wherever DNS says.
PASSTHROUGH = "PassthroughCluster"

#: A sidecar's own outbound listener, for what clients tunnel through it by CONNECT.
TUNNEL = "TunnelCluster"

#: A random UUID, another one each time. What fills in a trace header never comes from the client,
#: whose own ids may repeat or be known to others: who knows an id can lead its request astray.
FRESH_ID = "%UNIQUE_ID%"

#: A cluster that does not exist: requests routed to it are answered 404.
NOT_FOUND = "NotFoundCluster"

#: A sidecar's scopes, and the header by whose value one is chosen: the host that is called. It is
#: the sidecar's own: what an application sets is overwritten, and none is sent on.
SCOPES = "outbound"
HOST_HEADER = "x-laneway-host"

#: The scheme that the client wrote, as clients of a proxy do (``GET http://host/``), also the
#: sidecar's own. A request that says ``GET /`` has none, until the proxy fills it in.
SCHEME_HEADER = "x-laneway-scheme"

#: A sidecar's own, too: whether, and for which group, its workload's calls belong to the workload's
#: lane; and that lane.
CALLER_HEADER = "x-laneway-caller"
CALLER_LANE_HEADER = "x-laneway-caller-lane"

#: Marks what a sidecar sends out of the mesh, so that no other sidecar takes it for a call.
EGRESS_HEADER = "x-laneway-egress"

#: The key of the scope for hosts that are not services of the mesh; its name and its routes', which
#: is no host's (``*`` would be xDS's word for all resources).
ANY_HOST = "*"
PASSTHROUGH_ROUTES = "PassthroughRoutes"


def sidecar_node(workload: ObjectName, generation: int = 1) -> str:
    """``generation`` as in ``SidecarPlacement``."""
    return f"sidecar~{_numbered(workload, generation)}"


def gateway_node(gateway: ObjectName, generation: int = 1) -> str:
    return f"router~{_numbered(gateway, generation)}"


def _numbered(name: ObjectName, generation: int) -> str:
    number = f"~{generation}" if generation > 1 else ""
    return f"{name.name}{number}.{name.namespace}"


def subset_cluster(host: str, port: int, subset: str) -> str:
    """One (lane, service) pair's cluster; ``subset`` is empty for all of a service's workloads."""
    return f"outbound|{port}|{subset}|{host}"


def target_cluster(target: Target) -> str:
    """The cluster a route leads to: a subset's, or the aggregate over a chain of them (a>b)."""
    return subset_cluster(target.service.host, target.port.port, ">".join(target.chain))


def absent_cluster(default: Target) -> str:
    """As the default's, for requests that name a lane which the service has no subset of (?>s1)."""
    return subset_cluster(default.service.host, default.port.port, ">".join(["?", *default.chain]))


def inbound_cluster(port: int) -> str:
    return f"inbound|{port}||"


def service_routes(host: str, port: int) -> str:
    """How one port of a service is called, from anywhere."""
    return f"outbound|{port}||{host}"


def gateway_routes(gateway: ObjectName, port: int) -> str:
    return f"gateway|{port}|{gateway}"
