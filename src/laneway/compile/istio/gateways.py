"""What ingress rules become at a gateway: VirtualServices with routes in order of precedence.

There is one for each domain, with the rules of all groups: Istio merges several VirtualServices of
one host in the order of their creation, which would make precedence accidental.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from laneway.compile.ir import (
    EMPTY_ID,
    EnteredLane,
    GatewayRoutes,
    IngressRoute,
    LaneChoice,
    MeshRoutes,
    ServerRoutes,
    Split,
    Target,
    VirtualHost,
)
from laneway.compile.istio import names, patches
from laneway.compile.istio.conditions import condition
from laneway.compile.istio.enter_rules import (
    entry_filter,
    entry_patch,
    entry_routes,
    has_filters,
    has_naming,
    no_rule,
    without_entered,
)
from laneway.compile.istio.options import Options
from laneway.compile.istio.regexes import LONGEST, refused
from laneway.compile.istio.resources import (
    NETWORKING,
    Document,
    destination,
    document,
    named_lane,
    without_lane,
)
from laneway.compile.istio.rule_actions import acted
from laneway.compile.regex_alternation import alternatives
from laneway.model.lanes import LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.rule_actions import RuleActions


@dataclass(frozen=True, slots=True)
class Branch:
    """One of the routes that a condition becomes. Without ``target`` it answers 404.

    ``empty`` are trace headers that must be present and empty, if the route is for such requests.
    ``entered`` is the lane that its requests enter without naming it.
    """

    name: str
    match: Document
    target: Target | None
    split: Split | None = None
    empty: tuple[str, ...] = ()
    entered: EnteredLane | None = None


def gateway_documents(
    mesh: Mesh, routes: MeshRoutes, gateway: GatewayRoutes, options: Options
) -> Iterator[Document]:
    for host, port in _domains(gateway):
        yield _virtual_service(mesh, gateway, host, port)
    branches = {
        branch.name: (ingress, branch)
        for host, _ in _domains(gateway)
        for ingress in host.routes
        for branch in branches_of(gateway, ingress)
    }
    targets = [target for _, branch in branches.values() for target in _targets(branch)]
    patched = patches.added_clusters(patches.GATEWAY, targets)
    for name, (ingress, branch) in branches.items():
        value = _patch(ingress, branch)
        if value:
            patched.append(patches.merged_route(patches.GATEWAY, name, value))
    entries = {id(entry): entry for host, _ in _domains(gateway) for entry in host.entries}
    patched += [entry_patch(gateway, entry) for entry in entries.values()]
    if patched:
        group = _group(mesh, next(iter(branches.values()))[0])
        groups = _groups(ingress for ingress, _ in branches.values())
        if has_filters(gateway):
            yield entry_filter(gateway, group, options)
        name, selector = names.gateway_filter(gateway.gateway.name), gateway.gateway.selector
        yield patches.envoy_filter(options.root_namespace, name, group, patched, selector, groups)


def _domains(gateway: GatewayRoutes) -> Iterator[tuple[VirtualHost, int | None]]:
    """A gateway's domains, for each port if its ports have different ones.

    Rules that Istio refuses are left out, because it would also refuse the others of the domain.
    """
    by_port = {server.server.port: _accepted(gateway, server) for server in gateway.servers}
    if len({frozenset(h.domain for h in hosts) for hosts in by_port.values()}) > 1:
        for port, hosts in by_port.items():
            yield from ((host, port) for host in hosts)
    else:
        yield from ((host, None) for host in next(iter(by_port.values()), ()))


def _accepted(gateway: GatewayRoutes, server: ServerRoutes) -> tuple[VirtualHost, ...]:
    kept = (
        VirtualHost(
            host.domain,
            tuple(route for route in host.routes if not refused(route)),
            tuple(e for e in host.entries if not refused(e)) if has_naming(gateway) else (),
        )
        for host in server.virtual_hosts
    )
    return tuple(host for host in kept if host.routes)


def _virtual_service(
    mesh: Mesh, gateway: GatewayRoutes, host: VirtualHost, port: int | None
) -> Document:
    name, namespace = gateway.gateway.name, _namespace(gateway, host, port)
    http = [_at_port(route, port) for route in entry_routes(gateway, host.entries)]
    http += [
        _http_route(branch, ingress.actions, port)
        for ingress in host.routes
        for branch in branches_of(gateway, ingress)
    ]
    if has_naming(gateway):
        http.append(_at_port(no_rule(), port))
    spec = {
        "exportTo": ["*"],
        "gateways": [str(name)],
        "hosts": [host.domain],
        "http": http,
    }
    group = _group(mesh, host.routes[0])
    elsewhere = namespace != name.namespace
    own_name = names.gateway_routes(name, host.domain, port, elsewhere=elsewhere)
    groups = _groups(host.routes)
    return document(NETWORKING, "VirtualService", namespace, own_name, group, spec, groups)


def _namespace(gateway: GatewayRoutes, host: VirtualHost, port: int | None) -> str:
    """The namespace from which the gateway accepts routes of a domain: its own, if possible."""
    servers = [each.server for each in gateway.servers if port in (None, each.server.port)]
    taken = [namespaces for each in servers if (namespaces := each.namespaces_of(host.domain))]
    own = gateway.gateway.name.namespace
    if not taken or all(own in namespaces for namespaces in taken):
        return own
    shared = [each for each in taken[0] if all(each in namespaces for namespaces in taken)]
    return (shared or taken[0])[0]


def branches_of(gateway: GatewayRoutes, ingress: IngressRoute) -> Iterator[Branch]:
    """Each branch, and before it the same for requests with empty trace headers."""
    for branch in _branches(gateway, ingress):
        headers = branch.match.get("headers", {})
        for several in ingress.empty_trace_headers if branch.target else ():
            empty = {header.lower(): {"regex": EMPTY_ID} for header in several}
            if not empty.keys() & headers.keys():
                match = {**branch.match, "headers": {**headers, **empty}}
                name = f"{branch.name}/empty {', '.join(empty)}"
                yield replace(branch, name=name, match=match, empty=tuple(empty))
        yield branch


def _branches(gateway: GatewayRoutes, ingress: IngressRoute) -> Iterator[Branch]:
    """A branch for each lane; then, where lanes have weights, for requests that name one of the
    others, and by weight for all the rest; then for all that are left, if the rule is for all."""
    route, base = ingress.route, condition(ingress)

    def name(branch: str) -> str:
        return names.ingress_route(gateway.gateway.name, ingress, branch)

    for choice in route.choices:
        for lane, target in _lanes(ingress, choice).items():
            headers = {**base.get("headers", {}), choice.header.lower(): {"exact": lane}}
            match = {**base, "headers": headers}
            yield Branch(name(f"{choice.group}/{lane}"), match, target)
    rest = None if ingress.not_found else route.default
    if ingress.named is not None:
        return
    if ingress.split is not None:
        for number, headers in enumerate(_exempt(ingress, ingress.split)):
            match = {**base, "headers": {**base.get("headers", {}), **headers}}
            yield Branch(name(f"other lanes {number}"), match, rest)
        has_entries = gateway.has_entries and has_naming(gateway)
        match = {**base, "withoutHeaders": without_entered()} if has_entries else base
        yield Branch(name("weights"), match, route.default, ingress.split)
        if not has_entries:
            return
    yield Branch(name("rest"), base, rest, entered=ingress.entered)


def _lanes(ingress: IngressRoute, choice: LaneChoice) -> Mapping[str, Target]:
    """The lanes that need a route: not those whose target is the same as that of other requests.

    Nor those that the rule itself excludes by a condition on the route header.
    """
    default, asked = ingress.route.default, ingress.headers.get(choice.header.lower())
    if ingress.named is not None:
        lanes = {lane: choice.lanes.get(lane, default) for lane in ingress.named.lanes}
    elif len(ingress.route.choices) > 1 or ingress.not_found:
        lanes = dict(choice.lanes)
    else:
        lanes = {lane: target for lane, target in choice.lanes.items() if target != default}
    return {lane: to for lane, to in lanes.items() if asked is None or asked.matches(lane)}


def _exempt(ingress: IngressRoute, split: Split) -> Iterator[Document]:
    """The headers of requests that name a lane without a branch of its own."""
    for exempt in split.exempt:
        header = exempt.header.lower()
        choices = [each for each in ingress.route.choices if each.header.lower() == header]
        branches = {lane for choice in choices for lane in _lanes(ingress, choice)}
        asked = ingress.headers.get(header)
        taken = [lane for lane in exempt.lanes if asked is None or asked.matches(lane)]
        others = [lane for lane in taken if lane not in branches]
        for regex, _ in alternatives(others, LONGEST):
            yield {header: {"regex": regex}}


def _at_port(route: Document, port: int | None) -> Document:
    if port is None:
        return route
    return {**route, "match": [{**match, "port": port} for match in route.get("match", [{}])]}


def _http_route(branch: Branch, actions: RuleActions, port: int | None) -> Document:
    match = branch.match if port is None else {**branch.match, "port": port}
    http: Document = {"name": branch.name}
    if match:
        http["match"] = [match]
    if branch.entered is not None:
        actions = _naming(branch.entered, actions)
    if branch.target is None:
        return {**http, "directResponse": {"status": 404}}
    if branch.split is not None and not _is_patched(branch.split):
        http["route"] = _weighted(branch.split)
    else:
        http["route"] = [{"destination": destination(branch.target)}]
    return {**http, **acted(actions)}


def _naming(entered: EnteredLane, actions: RuleActions) -> RuleActions:
    """The actions, which also set the route header. A route has only one ``headers``."""
    changes = actions.request_headers
    lane = (entered.header.lower(), entered.lane)
    return replace(actions, request_headers=replace(changes, set=(*changes.set, lane)))


def _weighted(split: Split) -> list[Document]:
    """Istio's own weights, if there is neither fallback nor stickiness."""
    return [
        {
            "destination": destination(share.target),
            "weight": share.weight,
            **(named_lane(split.header, share.lane) or without_lane(split.header)),
        }
        for share in split.shares
    ]


def _is_patched(split: Split) -> bool:
    fallback = any(len(share.target.chain) > 1 for share in split.shares)
    return fallback or split.sticky is not None


def _targets(branch: Branch) -> list[Target]:
    if branch.split is not None:
        return [share.target for share in branch.split.shares]
    return [] if branch.target is None else [branch.target]


def _patch(ingress: IngressRoute, branch: Branch) -> Document:
    if branch.target is None:
        return {}
    if branch.split is None:
        routed = patches.to_target(branch.target)
    elif _is_patched(branch.split):
        routed = patches.by_weight(branch.split)
    else:
        routed = {}
    stays = ingress.actions.retries is not None
    action = {**routed, **(patches.tried_again_in_subset() if stays else patches.tried_again())}
    return {"route": action, **patches.filled_in(ingress.trace_headers, branch.empty)}


def _group(mesh: Mesh, ingress: IngressRoute) -> LaneGroup:
    """The group in the object's label: the first one, if groups share a domain."""
    return mesh.groups_by_name[ingress.groups[0]]


def _groups(routes: Iterable[IngressRoute]) -> set[str]:
    return {group for route in routes for group in route.groups}
