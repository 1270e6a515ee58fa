"""A lane of three instances: while one lives the lane serves, and no request is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.compile.meshes import ROUTE_HEADER, group, lane, mesh, name, rule, service, workload
from tests.e2e.live_meshes import LiveMesh

from laneway.compile.simulate import Applications, Request
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

pytestmark = pytest.mark.envoy

INSTANCES = tuple(name(f"a-{number}") for number in (1, 2, 3))
BASELINE = name("a-v-s1")
NOBODY = frozenset[ObjectName]()


@pytest.fixture(scope="module")
def live() -> Iterator[LiveMesh]:
    one = LiveMesh()
    one.adopt(_mesh(), Applications())
    yield one
    one.close()


def _mesh() -> Mesh:
    lanes = [lane("s1", "a", rule("a")), lane("s2", "a", rule("a"))]
    declared = mesh([group("a", trace_header=ROUTE_HEADER)], lanes, [service("a")])
    instances = tuple(replace(workload("a", "v-s2"), name=one) for one in INSTANCES)
    return replace(declared, workloads=(workload("a", "v-s1"), *instances))


def answers(live: LiveMesh, times: int = 60) -> Counter[ObjectName | int]:
    """Who answered how often; a status for who did not."""
    paths = [live.ask(Request(headers={ROUTE_HEADER: "s2"})) for _ in range(times)]
    return Counter(path.refusal.status if path.refusal else path.hops[0].workload for path in paths)


@pytest.mark.parametrize("dead", [1, 2])
@pytest.mark.parametrize("noticed", [True, False], ids=["unready", "dead"])
def test_a_lane_that_is_partly_down_stays_the_lane(
    live: LiveMesh, dead: int, noticed: bool
) -> None:
    down = frozenset(INSTANCES[:dead])
    live.suffer(*((down, NOBODY) if noticed else (NOBODY, down)))
    assert set(answers(live)) == set(INSTANCES[dead:])


@pytest.mark.parametrize("noticed", [True, False], ids=["unready", "dead"])
def test_a_lane_that_goes_down_at_once_falls_back_without_an_error(
    live: LiveMesh, noticed: bool
) -> None:
    down = frozenset(INSTANCES)
    live.suffer(*((down, NOBODY) if noticed else (NOBODY, down)))
    assert set(answers(live)) == {BASELINE}
    live.suffer(NOBODY, NOBODY)
    assert set(answers(live)) == set(INSTANCES)
