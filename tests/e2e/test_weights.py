"""Lanes by weight on real Envoys: users keep their lane while its weight is raised."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
from tests.e2e.clients import Call, load
from tests.e2e.conftest import Run
from tests.e2e.scenarios import EXPECTED, SCENARIOS, gateway_url

from laneway.model.lanes import Sticky, StickyKind
from laneway.model.meshes import Mesh
from laneway.wiring.embedded import Embedded

pytestmark = pytest.mark.envoy

USERS = [f"user-{number}" for number in range(500)]
FEW_USERS = USERS[:100]
LANE_OF = {body: lane for lane, body in EXPECTED.items()}
STICKY: Mapping[str, tuple[Sticky, Callable[[str], Mapping[str, str]]]] = {
    "header": (Sticky(StickyKind.HEADER, "X-User"), lambda user: {"x-user": user}),
    "cookie": (Sticky(StickyKind.COOKIE, "user"), lambda user: {"cookie": f"user={user}"}),
}


def weighted(mesh: Mesh, sticky: Sticky | None, **weights: int) -> Mesh:
    groups = tuple(replace(group, sticky=sticky) for group in mesh.groups)
    lanes = tuple(replace(lane, weight=weights.get(lane.name, 0)) for lane in mesh.lanes)
    return replace(mesh, groups=groups, lanes=lanes)


async def lanes_of(
    embedded: Embedded, headers: Callable[[str], Mapping[str, str]], users: Sequence[str] = USERS
) -> Mapping[str, str]:
    """User -> the lane that answered, on every hop."""
    calls = [Call("/mock", headers(user), tag=user) for user in users]
    answers = await load(gateway_url(embedded), calls, clients=20)
    assert {answer.status for answer in answers} == {200}
    return {answer.call.tag: LANE_OF[answer.body] for answer in answers}


@pytest.mark.parametrize("kind", STICKY)
async def test_raising_a_weight_moves_nobody_out_of_any_lane(kind: str, run: Run) -> None:
    """Users who leave the baseline go to the lane that was raised; all others stay."""
    sticky, headers = STICKY[kind]
    mesh = SCENARIOS[0].mesh
    async with run(weighted(mesh, sticky, s2=10, s3=10)) as embedded:
        before = await lanes_of(embedded, headers, FEW_USERS)
        assert await lanes_of(embedded, headers, FEW_USERS) == before
        assert set(before.values()) == set(EXPECTED)
        for weight in (20, 50, 90):
            change = await embedded.change(weighted(mesh, sticky, s2=weight, s3=10))
            assert change.applied
            after = await lanes_of(embedded, headers, FEW_USERS)
            moved = Counter((before[u], after[u]) for u in FEW_USERS if before[u] != after[u])
            assert set(moved) == {("s1", "s2")}, moved
            before = after
        assert set(before.values()) == {"s2", "s3"}


async def test_without_stickiness_requests_are_given_lanes_by_weight(run: Run) -> None:
    mesh = weighted(SCENARIOS[0].mesh, None, s2=30, s3=20)
    async with run(mesh) as embedded:
        lanes = Counter((await lanes_of(embedded, lambda user: {})).values())
    # 500 draws: four standard deviations are about 40.
    assert 105 < lanes["s2"] < 195
    assert 60 < lanes["s3"] < 140
    assert lanes.total() == len(USERS)


async def test_a_weight_leaves_the_baselines_of_single_services_as_they_are(run: Run) -> None:
    """mockc was promoted to s2; then s3, which lacks mockc, is given a weight."""
    mesh = SCENARIOS[0].mesh
    promoted = {name: "s2" for name in mesh.groups[0].services if name.name == "mockc"}
    groups = tuple(replace(group, service_baselines=promoted) for group in mesh.groups)
    mesh = weighted(replace(mesh, groups=groups), None, s3=50)
    async with run(mesh) as embedded:
        calls = [Call("/mock", {"my-request-id": f"weight-{n}"}) for n in range(100)]
        answers = await load(gateway_url(embedded), calls, clients=10)
    found = Counter(tuple(re.findall(r"version: (v[0-9])", answer.body)) for answer in answers)
    assert set(found) == {("v1", "v1", "v2"), ("v1", "v3", "v2")}, found
