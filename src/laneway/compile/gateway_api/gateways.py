"""Turns ingress rules into HTTPRoutes in the gateway's namespace, and ReferenceGrants.

There is one HTTPRoute for each domain, with the rules of all wider domains that cover it. So it
does not matter whether an implementation tries a wider domain if no rule of a narrower one matches.
"""

from __future__ import annotations

from collections.abc import Iterator

from laneway.compile.gateway_api import names
from laneway.compile.gateway_api.names import LaneServices
from laneway.compile.gateway_api.options import Options
from laneway.compile.gateway_api.resources import (
    GRANT,
    NETWORKING,
    ROUTE,
    Document,
    document,
    http_route,
    parent,
)
from laneway.compile.gateway_api.route_plans import Plan, plans
from laneway.compile.ir import GatewayRoutes
from laneway.model.gateways import Gateway
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

#: The maximum of names in a ReferenceGrant.
_GRANTED = 16


def gateway_documents(
    mesh: Mesh, gateway: GatewayRoutes, services: LaneServices, options: Options
) -> Iterator[Document]:
    """Nothing for a gateway without rules."""
    found = [plan for plan in plans(gateway, services) if plan.routes]
    if not found:
        return
    yield from _grants(mesh, gateway.gateway, services, found)
    if options.gateway_class is not None and gateway.gateway.plain:
        yield _gateway(gateway.gateway, _group(found[0]), options.gateway_class)
    for plan in found:
        yield from _http_routes(gateway.gateway, plan)


def _http_routes(gateway: Gateway, plan: Plan) -> Iterator[Document]:
    domain = plan.host.domain
    of = parent(NETWORKING, "Gateway", gateway.name.name, plan.port)
    hostnames = [] if domain == "*" else [domain]
    for part, rules in enumerate(plan.routes):
        name = names.gateway_routes(gateway.name, domain, plan.port, part)
        yield http_route(name, _group(plan), of, rules, hostnames)


def _gateway(gateway: Gateway, group: str, gateway_class: str) -> Document:
    """A listener for each port, for all hosts; routes restrict the hosts.

    None for TLS, because the certificates of Istio's Gateway are Secrets in another namespace.
    """
    listeners = [
        {
            "name": f"http-{server.port}",
            "port": server.port,
            "protocol": "HTTP",
            "allowedRoutes": {"namespaces": {"from": "Same"}},
        }
        for server in gateway.plain
    ]
    spec = {"gatewayClassName": gateway_class, "listeners": listeners}
    return document(ROUTE, "Gateway", gateway.name.namespace, gateway.name.name, group, spec)


def _grants(
    mesh: Mesh, gateway: Gateway, services: LaneServices, found: list[Plan]
) -> Iterator[Document]:
    """Grants for the Services in other namespaces to which the routes refer."""
    used = {
        backend.service
        for plan in found
        for rules in plan.routes
        for rule in rules
        for backend in rule.backends
        if backend.service.namespace != gateway.name.namespace
    }
    of = {lane_service: service for (service, _), lane_service in services.items()}
    by_service: dict[ObjectName, list[str]] = {}
    for service in sorted(used):
        by_service.setdefault(of.get(service, service), []).append(service.name)
    for service, granted in by_service.items():
        group = mesh.groups_by_service.get(service)
        for part, start in enumerate(range(0, len(granted), _GRANTED)):
            to = granted[start : start + _GRANTED]
            name = names.grant(gateway.name, service, part)
            yield _grant(name, gateway, group.name if group else _group(found[0]), to)


def _grant(name: ObjectName, gateway: Gateway, group: str, services: list[str]) -> Document:
    spec = {
        "from": [{"group": NETWORKING, "kind": "HTTPRoute", "namespace": gateway.name.namespace}],
        "to": [{"group": "", "kind": "Service", "name": service} for service in services],
    }
    return document(GRANT, "ReferenceGrant", name.namespace, name.name, group, spec)


def _group(plan: Plan) -> str:
    """The group in the object's label: the first one, if groups share a domain."""
    return plan.host.routes[0].rules[0][0].group
