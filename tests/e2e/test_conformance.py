"""Differential conformance: one set of requests through everything that reads a mesh.

The simulator, real Envoys, and what is emitted for Istio and for ASM as these interpret it: all
take the same path. Envoys always do; where Istio or ASM does not, its report names the object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.compile.documented_differences import KINDS
from tests.compile.finding_examples import EXHIBITS, Exhibit
from tests.compile.golden_cases import (
    CASES,
    applications_of,
    calls_of,
    down_in,
    mesh_of,
    request_of,
)
from tests.compile.interpreters import Asked, Readers
from tests.compile.lane_strategies import NOW, declared
from tests.compile.mesh_strategies import Situation, applications, situations, traced
from tests.compile.meshes import name
from tests.e2e.live_meshes import LiveMesh
from tests.e2e.simulator_comparison import ATTEMPTS, has_weights, hold

from laneway.compile.simulate import Applications, infer
from laneway.model.lane_lives import active
from laneway.model.meshes import Mesh

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

_NUMBERS = count()
#: At both ends of every share of requests: weights are multiples of 20.
_DRAWS = tuple(share + end for share in range(0, 100, 20) for end in (0, 19))


@pytest.fixture(scope="module")
def live() -> Iterator[LiveMesh]:
    one = LiveMesh()
    yield one
    one.close()


def conform(live: LiveMesh, readers: Readers, asked: Asked) -> int:
    """Proxies, Istio and ASM, one after another. Returns how many attempts the proxies took."""
    attempts = [traced(asked.request, number) for number in islice(_NUMBERS, ATTEMPTS)]
    mesh, calls = readers.mesh, readers.calls
    tries = hold(live, mesh, attempts, asked.port, calls, asked.alive)
    weighted = has_weights(mesh)
    one = replace(asked, request=attempts[0])
    for draw in _DRAWS if weighted and readers.accepts("istio") else (0,):
        readers.agree("istio", replace(one, draw=draw))
    readers.agree("asm", one)
    return tries


@st.composite
def on_every_platform(draw: st.DrawFn) -> Mesh:
    """Any mesh as it is declared, with lanes that have ended; with a gateway of some pods, and
    perhaps with baggage to carry lanes."""
    mesh = draw(declared())
    gateways = tuple(replace(one, selector={"istio": "ingress"}) for one in mesh.gateways)
    if draw(st.integers(0, 3)):
        return replace(mesh, gateways=gateways)
    groups = tuple(replace(group, trace_header="baggage") for group in mesh.groups)
    return replace(mesh, gateways=gateways, groups=groups)


def passing_on_baggage(calls: Applications) -> Applications:
    kept = {name: headers | {"baggage"} for name, headers in calls.passes_on.items()}
    return Applications(calls.calls, kept)


BAGGAGE = st.sampled_from([None, None, "x-lane=s2", "a=b, x-lane = s3 ;p=1", "x-other=t1,x-lane="])


@given(
    on_every_platform(),
    applications().map(passing_on_baggage),
    situations(),
    BAGGAGE,
    st.randoms(use_true_random=False),
)
@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    print_blob=True,
)
def test_every_reader_of_a_mesh_takes_the_same_path(
    live: LiveMesh,
    mesh: Mesh,
    calls: Applications,
    cases: list[Situation],
    baggage: str | None,
    chance: Random,
) -> None:
    readers = Readers(active(mesh, NOW), calls, chance)
    event(f"lanes that do not count: {len(mesh.lanes) - len(readers.mesh.lanes)}")
    event(f"Istio accepts it: {readers.accepts('istio')}")
    live.adopt(mesh, calls)  # all of it: to leave out what does not count is up to the product
    live.suffer(cases[0].unready, cases[0].dead)
    for case in cases:
        request = case.request
        if baggage is not None:
            request = replace(request, headers={**request.headers, "baggage": baggage})
        tries = conform(live, readers, Asked(request, case.port, case.alive, case.dead))
        event(f"agreed at attempt {min(tries, 3)}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("dies", [False, True], ids=["unready", "dead"])
def test_the_golden_calls_do_too(live: LiveMesh, case: Path, dies: bool) -> None:
    """A workload that is down either has no endpoint, or is not known to be down yet."""
    mesh = mesh_of(case)
    everything = frozenset(workload.name for workload in mesh.workloads)
    port = mesh.gateways[0].servers[0].port
    for call in calls_of(case):
        down = down_in(mesh, call)
        if dies and not down:
            continue
        calls = applications_of(mesh, call)
        unready, dead = (frozenset(), down) if dies else (down, frozenset())
        live.adopt(mesh, calls)
        live.suffer(unready, dead)
        conform(live, Readers(mesh, calls), Asked(request_of(call), port, everything - down, dead))


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.code)
def test_where_a_platform_cannot_its_report_says_so(live: LiveMesh, exhibit: Exhibit) -> None:
    """The proxies do as the simulator, the platform does not, and of this the finding speaks."""
    mesh = exhibit.mesh
    everything = frozenset(workload.name for workload in mesh.workloads)
    unready = frozenset(map(name, exhibit.unready))
    calls = infer(mesh)
    calls = Applications(calls.calls, {s.name: frozenset(exhibit.kept) for s in mesh.services})
    readers = Readers(mesh, calls)
    asked = Asked(exhibit.request, 80, everything - unready)
    live.adopt(mesh, calls)
    live.suffer(unready, frozenset())
    hold(live, mesh, [exhibit.request] * ATTEMPTS, 80, calls, asked.alive)
    assert not readers.agree(exhibit.platform, asked, exhibit.code)
    told = [f for f in readers.reports[exhibit.platform] if f.code == exhibit.code]
    assert str(told[0].subject) == exhibit.subject


def test_every_finding_that_excuses_is_exhibited() -> None:
    assert {exhibit.code for exhibit in EXHIBITS} == KINDS.keys()
