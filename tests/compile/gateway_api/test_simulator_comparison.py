"""The interpretation of what is emitted for Gateway API, and the simulator, agree on requests.

What Gateway API cannot do at all is taken out of the simulator's input: ``expressible``. Where the
two need not agree beyond that, the compile report says so, and that it does is checked here.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import event, given
from hypothesis import strategies as st
from tests.compile.gateway_api.emission import codes, emitted
from tests.compile.gateway_api.interpreter import GatewayApi, Path
from tests.compile.gateway_api.validation import problems
from tests.compile.mesh_strategies import (
    NAMES,
    Situation,
    applications,
    meshes,
    situations,
    traced,
)

from laneway.compile.gateway_api.matches import path_of
from laneway.compile.ir import (
    GatewayRoutes,
    IngressRoute,
    LaneChoice,
    MeshRoutes,
    Route,
    ServerRoutes,
    Target,
    VirtualHost,
)
from laneway.compile.lower import lower
from laneway.compile.simulate import Applications, Outcome, Request, simulate
from laneway.compile.simulate.path_normalization import split_target
from laneway.model.matches import MatchKind
from laneway.model.meshes import Mesh


def expressible(routes: MeshRoutes) -> MeshRoutes:
    """Without fallback by health, and without anything that carries a lane through applications."""
    services = {
        name: replace(one, by_port={port: _route(route) for port, route in one.by_port.items()})
        for name, one in routes.services.items()
    }
    gateways = {name: _gateway(one) for name, one in routes.gateways.items()}
    return MeshRoutes(services, gateways, {})


def _target(target: Target) -> Target:
    return replace(target, chain=target.chain[:1])


def _route(route: Route) -> Route:
    choices = tuple(
        LaneChoice(one.group, one.header, {lane: _target(to) for lane, to in one.lanes.items()})
        for one in route.choices
    )
    return Route(choices, _target(route.default))


def _gateway(gateway: GatewayRoutes) -> GatewayRoutes:
    servers = tuple(
        ServerRoutes(
            one.server,
            tuple(VirtualHost(h.domain, tuple(map(_ingress, h.routes))) for h in one.virtual_hosts),
        )
        for one in gateway.servers
    )
    return GatewayRoutes(gateway.gateway, servers)


def _ingress(ingress: IngressRoute) -> IngressRoute:
    split = ingress.split
    if split is not None:
        shares = tuple(replace(share, target=_target(share.target)) for share in split.shares)
        split = replace(split, shares=shares, ranges=shares, sticky=None)
    return replace(ingress, route=_route(ingress.route), split=split, trace_headers=())


def simulated(outcome: Outcome) -> Path:
    path: Path = [(hop.service.host, hop.workloads) for hop in outcome.hops]
    if outcome.failure is not None and outcome.failure.status is not None:
        path.append(outcome.failure.status)
    return path


def repeats(request: Request) -> bool:
    query = request.path.partition("?")[2].split("&")
    names = [part.partition("=")[0] for part in query]
    lines = request.header_lines.values()
    return any(len(values) > 1 for values in lines) or len(set(names)) < len(names)


def differs_by_element(mesh: Mesh, request: Request) -> bool:
    """Whether some rule's prefix takes the path here and not there, or the other way round."""
    target = split_target(request.path)
    return target is not None and any(
        rule.uri.matches(target[0]) != path_of(rule.uri).matches(target[0])
        for lane in mesh.lanes
        for rule in lane.ingress
        if rule.uri is not None and rule.uri.kind is MatchKind.PREFIX
    )


def reason(mesh: Mesh, request: Request, expected: Path, found: Path, told: set[str]) -> str | None:
    """Why the two may differ, if the report says so."""
    if repeats(request):
        return "repeated"
    if "PREFIX_BY_ELEMENT" in told and differs_by_element(mesh, request):
        return "prefix"
    if "REFUSED_STATUS" in told and (expected, found) == ([404], [500]):
        return "status"
    return "precedence" if "PRECEDENCE" in told else None


@given(meshes(), applications(), situations(), st.integers(0, 99), st.booleans(), st.randoms())
def test_gateway_api_does_what_the_simulator_says(
    mesh: Mesh,
    calls: Applications,
    some: list[Situation],
    draw: int,
    regex_first: bool,
    chance: Random,
) -> None:
    routes, resources, told = expressible(lower(mesh)), emitted(mesh), codes(mesh)
    assert [problem for resource in resources for problem in problems(resource)] == []
    chance.shuffle(resources)  # They are created in any order.
    for number, situation in enumerate(some):
        request = traced(situation.request, number)
        port, ready = situation.port, [name for name in NAMES if name in situation.alive]
        outcome = simulate(
            mesh, routes, request, port=port, applications=calls, ready=ready, draw=draw
        )
        cluster = GatewayApi(mesh, resources, ready, regex_first)
        found = cluster.path(request, port, calls, draw)
        expected = simulated(outcome)
        if found == expected:
            event("equal")
        else:
            why = reason(mesh, request, expected, found, told)
            assert why is not None, (expected, found)
            event(why)
