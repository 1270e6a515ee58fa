"""The interpretation of what is emitted for Istio, and the simulator, agree on every request.

Where they need not, the compile report says so, and that it does is checked here.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.istio.emission import codes, emitted
from tests.compile.istio.interpreter import Istio, Path
from tests.compile.istio.validation import problems
from tests.compile.landscapes import (
    NAMES,
    Situation,
    applications,
    meshes,
    situations,
    traced,
)

from laneway.compile.lower import lower
from laneway.compile.simulate import Applications, Outcome, simulate
from laneway.model.meshes import Mesh


def simulated(outcome: Outcome) -> Path:
    path: Path = [(hop.service.host, hop.workloads) for hop in outcome.hops]
    if outcome.failure is not None and outcome.failure.status is not None:
        path.append(outcome.failure.status)
    return path


@st.composite
def on_kubernetes(draw: st.DrawFn) -> Mesh:
    """Any mesh, with a gateway of some pods, and perhaps with baggage to carry lanes."""
    mesh = draw(meshes())
    gateways = tuple(replace(one, selector={"istio": "ingress"}) for one in mesh.gateways)
    if draw(st.integers(0, 3)):
        return replace(mesh, gateways=gateways)
    groups = tuple(replace(group, trace_header="baggage") for group in mesh.groups)
    return replace(mesh, gateways=gateways, groups=groups)


def passing_on_baggage(calls: Applications) -> Applications:
    return Applications(
        calls.calls, {name: kept | {"baggage"} for name, kept in calls.passes_on.items()}
    )


BAGGAGE = st.sampled_from([None, None, "x-lane=s2", "a=b, x-lane = s3 ;p=1", "x-other=t1,x-lane="])


@given(
    on_kubernetes(),
    applications().map(passing_on_baggage),
    situations(),
    st.integers(0, 99),
    BAGGAGE,
    st.randoms(),
)
@settings(max_examples=200, deadline=None)
def test_istio_does_what_the_simulator_says(
    mesh: Mesh,
    calls: Applications,
    some: list[Situation],
    draw: int,
    baggage: str | None,
    chance: Random,
) -> None:
    routes, resources = lower(mesh), emitted(mesh)
    assert [problem for resource in resources for problem in problems(resource)] == []
    chance.shuffle(resources)  # They are created in any order.
    for number, situation in enumerate(some):
        request = traced(situation.request, number)
        if baggage is not None:
            request = replace(request, headers={**request.headers, "baggage": baggage})
        port, ready = situation.port, [name for name in NAMES if name in situation.alive]
        outcome = simulate(
            mesh, routes, request, port=port, applications=calls, ready=ready, draw=draw
        )
        found = Istio(mesh, resources, ready).path(request, port, calls, draw)
        if found != simulated(outcome):
            headers = {group.route_header.lower() for group in mesh.groups}
            lines = request.header_lines
            assert any(len(lines.get(header, ())) > 1 for header in headers), found
            assert "ISTIO_LANE_NAMED_TWICE" in codes(mesh)
