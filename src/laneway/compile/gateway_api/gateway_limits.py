"""The compile report of a gateway: features that its HTTPRoutes do not support everywhere.

``rule_limits`` reports on single ingress rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laneway.compile.gateway_api.names import LaneServices
from laneway.compile.gateway_api.options import Options
from laneway.compile.gateway_api.resources import Rule
from laneway.compile.gateway_api.route_plans import Plan, plans
from laneway.compile.gateway_api.rule_limits import action_limits, precedence_limits, rule_limits
from laneway.compile.gateway_api.supported_matches import is_host
from laneway.compile.ir import GatewayRoutes, IngressRoute
from laneway.model.findings import Finding, Severity, warning_about
from laneway.model.gateways import Gateway
from laneway.model.keys import key_of
from laneway.model.lanes import RouteBy
from laneway.model.meshes import Mesh


def gateway_limits(
    mesh: Mesh, gateway: GatewayRoutes, services: LaneServices, options: Options
) -> Iterator[Finding]:
    found = list(plans(gateway, services))
    routes = list(
        {
            id(route): route
            for server in gateway.servers
            for host in server.virtual_hosts
            for route in host.routes
        }.values()
    )
    yield from _objects(gateway.gateway, found, routes, options)
    yield from _weights(mesh, routes)
    yield from _refusals(mesh, found)
    yield from _entering(mesh, gateway)
    told = [finding for ingress in routes for finding in rule_limits(ingress)]
    yield from dict.fromkeys(told)  # A rule for several hosts is several routes.
    yield from action_limits(found)
    yield from precedence_limits(found)


def _objects(
    gateway: Gateway, found: Iterable[Plan], routes: Iterable[IngressRoute], options: Options
) -> Iterator[Finding]:
    used = [plan for plan in found if plan.routes]
    key, path = key_of(gateway), ("spec", "servers")
    secured = ", ".join(str(server.port) for server in gateway.servers if server.tls)
    if used and options.gateway_class is not None and secured:
        yield Finding(
            "GATEWAY_API_TLS",
            f"Gateway {gateway.name} is generated without its TLS listeners ({secured}), because "
            "their certificates are not converted",
            "declare the Gateway yourself (without --gateway-class), with HTTPS listeners",
            key,
            path,
            Severity.WARNING,
        )
    if used and options.gateway_class is None:
        ports = ", ".join(f"{s.port}{' (TLS)' if s.tls else ''}" for s in gateway.servers)
        yield Finding(
            "GATEWAY_API_GATEWAY_EXPECTED",
            f"the routes are for a Gateway {gateway.name} of gateway.networking.k8s.io, which is "
            f"not among the documents; it needs HTTP listeners at {ports}",
            "declare it, or name its class (--gateway-class)",
            key,
            path,
            Severity.NOTE,
        )
    features = _features(used)
    if features:
        yield Finding(
            "GATEWAY_API_FEATURES",
            f"the routes of Gateway {gateway.name} need features that an implementation need not "
            f"support: {', '.join(features)}",
            "check that yours supports them",
            key,
            path,
            Severity.NOTE,
        )
    groups = sorted({group for route in routes for group in route.groups})
    if len(groups) > 1:
        yield Finding(
            "GATEWAY_API_GROUPS_SHARE_GATEWAY",
            f"groups {', '.join(groups)} share the objects generated for Gateway {gateway.name}",
            "give each group its own gateway if they must change independently",
            key,
            path,
            Severity.WARNING,
        )
    served = {host: None for server in gateway.servers for host in server.hosts}
    named = {route.host: None for route in routes}
    for host in {**served, **named}:
        if not is_host(host):
            yield Finding(
                "GATEWAY_API_HOST_LEFT_OUT",
                f"{host} is not a valid host name in Gateway API, so no routes are generated for "
                "it",
                "use only letters, digits, - and dots",
                key,
                path,
                Severity.WARNING,
            )


def _features(found: Iterable[Plan]) -> list[str]:
    """Uses the names of features in conformance reports."""
    names = set()
    for plan in found:
        if plan.port is not None:
            names.add("HTTPRouteParentRefPort")
        for rule in (rule for rules in plan.routes for rule in rules):
            if any(match.method for match in rule.matches):
                names.add("HTTPRouteMethodMatching")
            if any(match.query for match in rule.matches):
                names.add("HTTPRouteQueryParamMatching")
            if any(backend.sets for backend in rule.backends):
                names.add("HTTPRouteBackendRequestHeaderModification")
            names.update(_action_features(rule))
    return sorted(names)


def _action_features(rule: Rule) -> Iterator[str]:
    if rule.timeout is not None:
        yield "HTTPRouteRequestTimeout"
    for each in rule.filters:
        if each["type"] == "ResponseHeaderModifier":
            yield "HTTPRouteResponseHeaderModification"
        if "hostname" in each.get("urlRewrite", {}):
            yield "HTTPRouteHostRewrite"
        if "path" in each.get("urlRewrite", {}):
            yield "HTTPRoutePathRewrite"


def _weights(mesh: Mesh, routes: Iterable[IngressRoute]) -> Iterator[Finding]:
    groups = {
        choice.group: None
        for route in routes
        if route.split is not None
        for choice in route.route.choices
    }
    for group in (mesh.groups_by_name[name] for name in groups):
        key = key_of(group)
        if group.sticky is not None:
            yield Finding(
                "GATEWAY_API_NOT_STICKY",
                f"each request gets a lane of group {group.name} at random: the standard channel "
                "of Gateway API has no session persistence",
                "remove spec.sticky, or configure session persistence with your gateway's own API",
                key,
                ("spec", "sticky"),
                Severity.WARNING,
            )


def _entering(mesh: Mesh, gateway: GatewayRoutes) -> Iterator[Finding]:
    """Gateway API cannot set a lane before an HTTPRoute takes the request."""
    for group in mesh.groups:
        if group.gateway != gateway.gateway.name:
            continue
        if group.route_by != RouteBy():
            yield warning_about(key_of(group), ("spec", "routeBy"))(
                "GATEWAY_API_NO_ROUTE_BY",
                f"only {group.route_header} can name a lane of group {group.name}",
                f"send {group.route_header}",
            )
        for lane in mesh.lanes_by_group[group.name]:
            if lane.names:
                yield warning_about(key_of(lane), ("spec", "names"))(
                    "GATEWAY_API_NO_NAMES",
                    f"only the value {lane.name} names lane {lane.name}; its other names are "
                    "ignored",
                    f"send {group.route_header}: {lane.name}",
                )
            if any(rule.enter and rule.online for rule in lane.ingress):
                yield warning_about(key_of(lane), ("spec", "ingress"))(
                    "GATEWAY_API_NO_ENTER",
                    f"a request enters lane {lane.name} only if it names the lane; enter has no "
                    "effect on its rules",
                    f"send {group.route_header}: {lane.name}",
                )


def _refusals(mesh: Mesh, found: Iterable[Plan]) -> Iterator[Finding]:
    """A refusal needs a rule if another rule would take the request otherwise."""
    groups = {
        plan.host.routes[entry.source].rules[0][0].group: None
        for plan in found
        for entry, matches in zip(plan.arrangement.entries, plan.arrangement.matches, strict=True)
        if matches and not entry.backends
    }
    for name in groups:
        yield Finding(
            "GATEWAY_API_REFUSED_STATUS",
            f"some requests that name no lane of group {name} are answered 500; in laneway, 404",
            "treat 500 like 404 there",
            key_of(mesh.groups_by_name[name]),
            ("spec", "unmatched"),
            Severity.WARNING,
        )
