"""Lanes end, or are disabled, while a mesh runs: the baseline answers, and no request is lost."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from tests.e2e.clients import load
from tests.e2e.conftest import Run
from tests.e2e.scenarios import EXPECTED, SCENARIOS, answer, gateway_url
from tests.e2e.test_fallback import Load

from laneway.faces.cli.watching import Follower

pytestmark = pytest.mark.envoy

SCENARIO = SCENARIOS[1]
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


async def test_the_requests_of_a_lane_that_ends_or_is_disabled_are_the_baselines(run: Run) -> None:
    lanes = [
        replace(lane, expires_at=NOON + timedelta(hours=1)) if lane.name == "s2" else lane
        for lane in SCENARIO.mesh.lanes
    ]
    mesh, clock, said = replace(SCENARIO.mesh, lanes=tuple(lanes)), [NOON], io.StringIO()
    async with run(mesh, now=lambda: clock[0]) as embedded:
        follower = Follower(Console(file=said), embedded)
        following = asyncio.create_task(follower.expire(lambda: clock[0], longest=0.05))
        requests = Load(SCENARIO, embedded, "s2")
        (first,) = await load(gateway_url(embedded), [SCENARIO.call("s2", 10_000_000)])
        assert first.body == EXPECTED["s2"]
        clock[0] += timedelta(hours=1)
        async with asyncio.timeout(60):
            while embedded.mesh == mesh:  # noqa: ASYNC110 - the mesh has no event
                await asyncio.sleep(0.01)
        assert await embedded.wait_synced() == ()
        await asyncio.sleep(0.2)
        answers = await requests.stop()
        assert {each.status for each in answers} == {200}
        # A request that is under way at that moment may leave the lane at its next hop.
        allowed = {answer(a, "v1", c) for a in ("v1", "v2") for c in ("v1", "v2")}
        assert {each.body for each in answers} <= allowed
        (last,) = await load(gateway_url(embedded), [SCENARIO.call("s2", 10_000_001)])
        assert last.body == EXPECTED["s1"]
        following.cancel()

        disabled = [replace(lane, enabled=lane.name != "s3") for lane in lanes]
        requests = Load(SCENARIO, embedded, "s3")
        (first,) = await load(gateway_url(embedded), [SCENARIO.call("s3", 10_000_002)])
        assert first.body == EXPECTED["s3"]
        assert (await embedded.change(replace(mesh, lanes=tuple(disabled)))).applied
        await asyncio.sleep(0.2)
        answers = await requests.stop()
        assert {each.status for each in answers} == {200}
        allowed = {answer("v1", b, "v1") for b in ("v1", "v3")}
        assert {each.body for each in answers} <= allowed
        (last,) = await load(gateway_url(embedded), [SCENARIO.call("s3", 10_000_003)])
        assert last.body == EXPECTED["s1"]
    assert "-lane test/s2" in said.getvalue()
