"""WasmPlugin: the lane filter, for groups whose applications do not pass on the route header.

Beside each workload it remembers the lane of a trace id, or carries it in baggage; at a gateway it
reads baggage. Istio gives a plugin no ``vm_id``, so all have the same, empty one: it is by that
that the two directions share one memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from laneway.compile.ir import BaggageMember, Carrier, GatewayRoutes, ServiceRoutes, TraceMemory
from laneway.compile.istio import names
from laneway.compile.istio.options import Options
from laneway.compile.istio.resources import EXTENSIONS, Document, document
from laneway.model.lanes import LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

_MODES = {"inbound": "SERVER", "outbound": "CLIENT"}


def sidecar_plugins(
    group: LaneGroup,
    services: Iterable[ServiceRoutes],
    carriers: Mapping[ObjectName, Carrier],
    options: Options,
) -> Iterator[Document]:
    """One for each direction; none for services without a selector, which have no workloads.

    Services with the same selector have the same workloads: they get the filter once.
    """
    by_workloads = {
        (routes.service.name.namespace, frozenset(routes.service.selector.items())): routes.service
        for routes in services
        if routes.service.selector and routes.service.name in carriers
    }
    for service in by_workloads.values():
        for direction, mode in _MODES.items():
            spec = _spec(direction, carriers[service.name], service.selector, options)
            spec["match"] = [{"mode": mode}]
            name = f"{names.service_object(service.name)}-{direction}"
            yield document(EXTENSIONS, "WasmPlugin", service.name.namespace, name, group, spec)


def gateway_plugins(mesh: Mesh, gateway: GatewayRoutes, options: Options) -> Iterator[Document]:
    """In the root namespace, as the gateway's pods may be anywhere.

    Without a selector it would be for all workloads of the mesh, so there is none then.
    """
    selector = gateway.gateway.selector
    for member in gateway.baggage if selector else ():
        group = mesh.groups_by_name[member.group]
        name = f"{names.gateway_filter(gateway.gateway.name)}-{group.name}"
        spec = _spec("gateway", member, selector, options)
        yield document(EXTENSIONS, "WasmPlugin", options.root_namespace, name, group, spec)


def _spec(
    direction: str, carrier: Carrier, selector: Mapping[str, str], options: Options
) -> Document:
    return {
        # Names the root context, of which each configuration needs one of its own.
        "pluginName": f"{direction}|{carrier.group}",
        "selector": {"matchLabels": dict(selector)},
        "url": options.module.url,
        "sha256": options.module.sha256,
        "type": "HTTP",
        # Without its filter a request goes to the baseline: better than not at all.
        "failStrategy": "FAIL_OPEN",
        "pluginConfig": {
            "direction": direction,
            "route_header": carrier.route_header.lower(),
            **_settings(carrier),
        },
    }


def _settings(carrier: Carrier) -> Document:
    match carrier:
        case TraceMemory():
            return {"trace_header": carrier.trace_header.lower()}
        case BaggageMember():
            return {"baggage_key": carrier.key}
