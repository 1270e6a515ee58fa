"""A gateway is restarted under load, and not one request or connection notices."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from tests.e2e.clients import Answer, load
from tests.e2e.conftest import Run
from tests.e2e.scenarios import EXPECTED, SCENARIOS, gateway_url
from tests.e2e.test_fallback import Load, kill

from laneway.model.names import ObjectName
from laneway.wiring.embedded import Embedded

pytestmark = pytest.mark.envoy

SCENARIO = SCENARIOS[1]
GATEWAY = "router~ingressgateway.istio-system"
UNUSED = ObjectName("default", "mocka-v3")  # by no lane of the scenario


async def connecting(embedded: Embedded, stopped: asyncio.Event) -> list[Answer]:
    """Each request on a connection of its own."""
    answers: list[Answer] = []
    while not stopped.is_set():
        answers += await load(gateway_url(embedded), [SCENARIO.call("s2", 1)])
    return answers


async def follows_changes(embedded: Embedded, node: str) -> None:
    """While its parent drains, the successor alone is configured."""
    for ready in (False, True):
        embedded.control_plane.set_ready(UNUSED, ready)
        assert await embedded.wait_synced() == ()
        status = next(proxy for proxy in embedded.proxies() if proxy.node == node)
        assert status.synced, status


@pytest.mark.parametrize("node", [GATEWAY, "sidecar~mockc-v2.default"])
async def test_a_hot_restart_costs_nothing(node: str, run: Run) -> None:
    mesh = SCENARIO.whole_mesh
    # The second restart waits until the process before the first one has ended.
    workloads = tuple(replace(w, termination_grace_period=2) for w in mesh.workloads)
    async with run(replace(mesh, workloads=workloads)) as embedded:
        stopped = asyncio.Event()
        keeping = Load(SCENARIO, embedded, "s2")
        fresh = [asyncio.create_task(connecting(embedded, stopped)) for _ in range(4)]
        pids = [embedded.proxy_pid(node)]
        for _ in range(2):
            await asyncio.sleep(0.3)
            await embedded.restart_proxy(node)
            pids.append(embedded.proxy_pid(node))
            await follows_changes(embedded, node)
        await asyncio.sleep(0.3)
        stopped.set()
        answers = await keeping.stop()
        for task in fresh:
            answers += await task
        assert len(set(pids)) == 3
        counts = Counter((answer.status, answer.body) for answer in answers)
        assert counts.keys() == {(200, EXPECTED["s2"])}, counts
        assert await embedded.wait_ready() == ()
        status = next(proxy for proxy in embedded.proxies() if proxy.node == node)
        assert status.connected
        print(f"{node} restarted twice, {len(answers)} requests, none lost")


async def test_a_gateway_that_is_killed_is_back_by_itself(run: Run) -> None:
    async with run(SCENARIO.mesh) as embedded:
        requests = Load(SCENARIO, embedded, "s2")
        await asyncio.sleep(0.3)
        killing = asyncio.get_running_loop().time()
        await kill(embedded.proxy_pid(GATEWAY))
        url, call = gateway_url(embedded), SCENARIO.call("s2", 1)
        async with asyncio.timeout(20):
            while (await load(url, [call]))[0].status != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        back = asyncio.get_running_loop().time()
        await asyncio.sleep(0.5)
        answers = await requests.stop()
        # While it is gone nothing can be answered; nothing else may fail.
        failed = [a for a in answers if a.status != 200]
        assert all(a.ended > killing and a.began < back for a in failed)
        after = [a for a in answers if a.began > back]
        assert after
        assert {(a.status, a.body) for a in after} == {(200, EXPECTED["s2"])}
