"""Fallback by health: instances die under load, and no request that follows is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.e2e.clients import Answer, Call, load
from tests.e2e.conftest import Run
from tests.e2e.scenarios import EXPECTED, SCENARIOS, Scenario, answer, gateway_url
from tests.e2e.traffic import PAUSE

from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.workloads import RestartPolicy
from laneway.wiring.embedded import Embedded

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

MOCKC_V2 = ObjectName("default", "mockc-v2")
FALLEN_BACK = answer("v2", "v1", "v1")


def without_restarts(mesh: Mesh) -> Mesh:
    """Workloads that stay dead when they are killed, so that a test decides when they return."""
    workloads = (replace(workload, restart=RestartPolicy.NEVER) for workload in mesh.workloads)
    return replace(mesh, workloads=tuple(workloads))


async def kill(pid: int | None) -> float:
    """Kill a process; returns the time from which it is certainly dead."""
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while _exists(pid):  # noqa: ASYNC110 -- until its parent has reaped it
        await asyncio.sleep(0)
    return asyncio.get_running_loop().time()


def workload_pid(embedded: Embedded, name: ObjectName) -> int | None:
    return next(status.pid for status in embedded.workloads() if status.name == name)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Load:
    """Requests to one lane, 20 at a time, until told to stop."""

    def __init__(self, scenario: Scenario, embedded: Embedded, lane: str) -> None:
        self._scenario, self._lane = scenario, lane
        self._stopped = False
        url = gateway_url(embedded)
        self._task = asyncio.create_task(load(url, self._calls(), clients=20, pause=PAUSE))

    async def stop(self) -> list[Answer]:
        self._stopped = True
        return await self._task

    def _calls(self) -> Iterator[Call]:
        number = 0
        while not self._stopped:
            number += 1
            yield self._scenario.call(self._lane, number, salt="load-")


@pytest.mark.parametrize("scenario", SCENARIOS[:2], ids=lambda scenario: scenario.folder)
async def test_a_killed_instance_costs_nothing_and_its_lane_returns_with_it(
    scenario: Scenario, run: Run
) -> None:
    async with run(without_restarts(scenario.mesh)) as embedded:
        clock = asyncio.get_running_loop().time
        requests = Load(scenario, embedded, "s2")
        dead: list[tuple[float, float]] = []
        alive = [clock()]
        for _ in range(3):
            await asyncio.sleep(0.7)
            killed = await kill(workload_pid(embedded, MOCKC_V2))
            await asyncio.sleep(0.7)
            dead.append((killed, clock()))
            await embedded.start_workload(MOCKC_V2)
            assert await embedded.wait_ready() == ()
            alive.append(clock())
        await asyncio.sleep(0.5)
        answers = await requests.stop()

    for killed, restarted in dead:
        during = [a for a in answers if killed < a.began and a.ended < restarted]
        assert during
        assert Counter((a.status, a.body) for a in during) == {(200, FALLEN_BACK): len(during)}
    after = [a for a in answers if a.began > alive[-1]]
    assert after
    assert Counter((a.status, a.body) for a in after) == {(200, EXPECTED["s2"]): len(after)}
    # Only requests that were inside the process when it was killed may have failed.
    failed = [a for a in answers if a.status != 200]
    assert all(any(a.began < killed < a.ended for killed, _ in dead) for a in failed), failed


async def test_a_killed_sidecar_costs_nothing_after_it(run: Run) -> None:
    scenario = SCENARIOS[1]
    async with run(scenario.mesh) as embedded:
        requests = Load(scenario, embedded, "s2")
        await asyncio.sleep(0.5)
        killed = await kill(embedded.proxy_pid("sidecar~mockc-v2.default"))
        await asyncio.sleep(1)
        answers = [a for a in await requests.stop() if a.began > killed]
    assert answers
    assert {(a.status, a.body) for a in answers} <= {(200, FALLEN_BACK), (200, EXPECTED["s2"])}
    assert (200, FALLEN_BACK) in {(a.status, a.body) for a in answers}


async def test_a_graceful_stop_costs_nothing_at_all(run: Run) -> None:
    scenario = SCENARIOS[1]
    async with run(scenario.mesh) as embedded:
        requests = Load(scenario, embedded, "s2")
        for _ in range(3):
            await asyncio.sleep(0.3)
            await embedded.stop_workload(MOCKC_V2)
            await asyncio.sleep(0.3)
            await embedded.start_workload(MOCKC_V2)
            assert await embedded.wait_ready() == ()
        answers = await requests.stop()
    counts = Counter((a.status, a.body) for a in answers)
    assert counts.keys() == {(200, FALLEN_BACK), (200, EXPECTED["s2"])}


async def test_an_application_that_answers_errors_is_seen_failing(run: Run) -> None:
    """A 5xx is the application's answer: it neither falls back nor ejects the instance."""
    scenario = SCENARIOS[1]
    mesh = scenario.mesh
    failing = tuple(
        replace(workload, env={**workload.env, "status": "503"})
        if workload.name == ObjectName("default", "mocka-v2")
        else workload
        for workload in mesh.workloads
    )
    async with run(replace(mesh, workloads=failing)) as embedded:
        answers = await load(gateway_url(embedded), [scenario.call("s2", 1)] * 50)
        assert {a.status for a in answers} == {503}
        assert all("mocka(version: v2" in a.body for a in answers)
