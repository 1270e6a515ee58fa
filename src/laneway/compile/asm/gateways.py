"""What ASM generates for a lane at its group's gateway: VirtualServices from its ingress rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from laneway.compile.asm.services import ISTIO, ROOT_NAMESPACE, Document, destination, metadata
from laneway.compile.ingress_precedence import precedence
from laneway.compile.ir import GatewayRoutes, MeshRoutes
from laneway.model.hosts import host_covers
from laneway.model.lanes import IngressRule, Lane, LaneGroup, Mode
from laneway.model.matches import StringMatch
from laneway.model.regexes import one_of


def ingress(
    lanes: Sequence[Lane], group: LaneGroup, routes: MeshRoutes, gateway: GatewayRoutes
) -> Iterator[Document]:
    """A lane's VirtualServices at the gateway: one, unless its rules differ in their hosts."""
    rules_by_host = _rules_by_host(gateway)
    entering = entering_rules(gateway, group)
    for lane in lanes:
        for number, (hosts, rules) in enumerate(_split(group, lane, rules_by_host, entering), 1):
            name = f"swimlane-ingress-vs-{group.name}-{lane.name}"
            suffix = "" if number == 1 else f"-{number}"
            yield {
                "apiVersion": ISTIO,
                "kind": "VirtualService",
                "metadata": metadata(group, name + suffix, ROOT_NAMESPACE),
                "spec": {
                    "gateways": [str(gateway.gateway.name)],
                    "hosts": hosts,
                    "http": [
                        _ingress_route(group, lane, rule, routes, named=id(rule) not in entering)
                        for rule in rules
                    ],
                },
            }


def entering_rules(gateway: GatewayRoutes, group: LaneGroup) -> set[int]:
    """The identities of the rules by which requests enter a lane of a strict group unnamed: those
    that no other lane has, or none that was declared before."""
    if group.mode is not Mode.STRICT:
        return set()
    routes = [r for s in gateway.servers for v in s.virtual_hosts for r in v.routes]
    return {
        id(rule)
        for route in routes
        if route.named is None
        and not route.not_found
        and len({(lane.group, lane.name) for lane, _ in route.rules}) == 1
        for lane, rule in route.rules
        if lane.group == group.name
    }


def _rules_by_host(gateway: GatewayRoutes) -> dict[str, list[tuple[Lane, IngressRule]]]:
    """Every declared host with the rules of all hosts that cover it, in order of precedence.

    Istio joins what several VirtualServices say of one host, but not what they say of ``*`` and of
    ``a.example.com``: the latter must hold the rules of both.
    """
    found = {
        id(route): route for s in gateway.servers for v in s.virtual_hosts for route in v.routes
    }
    routes = sorted(found.values(), key=precedence)
    return {
        host: [pair for route in routes if host_covers(route.host, host) for pair in route.rules]
        for host in dict.fromkeys(route.host for route in routes)
    }


def _split(
    group: LaneGroup,
    lane: Lane,
    rules_by_host: Mapping[str, list[tuple[Lane, IngressRule]]],
    entering: Collection[int],
) -> Iterable[tuple[list[str], list[IngressRule]]]:
    """The lane's rules, with the hosts that share exactly these rules."""
    shared: dict[tuple[int, ...], tuple[list[str], list[IngressRule]]] = {}
    for host, pairs in rules_by_host.items():
        own = (rule for owner, rule in pairs if owner is lane)
        rules = {
            id(rule): rule for rule in own if id(rule) in entering or _admits(rule, group, lane)
        }
        if rules:
            shared.setdefault(tuple(rules), ([], list(rules.values())))[0].append(host)
    return shared.values()


def _admits(rule: IngressRule, group: LaneGroup, lane: Lane) -> bool:
    """Whether the rule, if it has a condition on the route header, takes the lane's requests."""
    header = group.route_header.lower()
    asked = (match for name, match in rule.headers.items() if name.lower() == header)
    return all(match.matches(lane.name) for match in asked)


def _ingress_route(
    group: LaneGroup, lane: Lane, rule: IngressRule, routes: MeshRoutes, *, named: bool
) -> Document:
    service = routes.services[rule.destination]
    # Istio takes a destination without a port for the gateway's own port number, unless the
    # service has just one.
    several = len(service.service.ports) > 1
    port = service.service.port(rule.port) if several or rule.port is not None else None
    at = None if port is None else {"number": port.port}
    mode = lane.mode or group.mode
    match = _match(group, lane, rule, named)
    return {
        **({"match": [match]} if match else {}),
        "name": rule.name,
        "route": [destination(group, service, lane.name, mode, at)],
    }


def _match(group: LaneGroup, lane: Lane, rule: IngressRule, named: bool) -> Document:
    """``named``: for requests that name the lane, which a condition on the same header admits."""
    header = group.route_header.lower()
    headers = {
        name: _string_match(value)
        for name, value in rule.headers.items()
        if not (named and name.lower() == header)
    }
    if named:
        headers[group.route_header] = {"exact": lane.name}
    match: Document = {"headers": dict(sorted(headers.items()))} if headers else {}
    if rule.methods:
        (method, *more) = rule.methods
        match["method"] = {"regex": one_of(rule.methods)} if more else {"exact": method}
    if rule.query:
        query = sorted(rule.query.items())
        match["queryParams"] = {name: _string_match(value) for name, value in query}
    if rule.uri is not None:
        match["uri"] = _string_match(rule.uri)
    return match


def _string_match(match: StringMatch) -> Document:
    return {match.kind.value: match.value}
