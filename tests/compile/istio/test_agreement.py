"""The interpretation of what is emitted for Istio, and the simulator, agree on every request.

Where they need not, the compile report says so, and that it does is checked here.
"""

from __future__ import annotations

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


@given(meshes(), applications(), situations(), st.integers(0, 99), st.randoms())
@settings(max_examples=150, deadline=None)
def test_istio_does_what_the_simulator_says(
    mesh: Mesh, calls: Applications, some: list[Situation], draw: int, chance: object
) -> None:
    resources = emitted(mesh)
    assert [problem for resource in resources for problem in problems(resource)] == []
    chance.shuffle(resources)  # type: ignore[attr-defined]  # created in any order
    for number, situation in enumerate(some):
        request = traced(situation.request, number)
        ready = [name for name in NAMES if name in situation.alive]
        outcome = simulate(
            mesh, lower(mesh), request,
            port=situation.port, applications=calls, ready=ready, draw=draw,
        )  # fmt: skip
        found = Istio(mesh, resources, ready).path(request, situation.port, calls, draw)
        if found != simulated(outcome):
            twice = any(len(v) > 1 for k, v in request.header_lines.items() if k in ROUTES)
            assert twice, (found, simulated(outcome))
            assert "ISTIO_LANE_NAMED_TWICE" in codes(mesh)


ROUTES = ("x-lane", "x-other")
