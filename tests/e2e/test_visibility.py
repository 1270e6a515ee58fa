"""Each hop can tell which lane was meant, which served, and why; refusals name lane and service."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from dataclasses import replace

import pytest
from tests.e2e.clients import Call, fetch, load
from tests.e2e.conftest import Run
from tests.e2e.scenarios import SCENARIOS, gateway_url

from laneway.model.lane_figures import LaneFigures
from laneway.model.lanes import Mode
from laneway.model.names import ObjectName
from laneway.wiring.embedded import Embedded
from laneway.wiring.lane_traffic import INTERVAL, LaneTraffic

pytestmark = pytest.mark.envoy

SCENARIO = SCENARIOS[1]
TOKEN = "let-me-see"


def told(headers: dict[str, str]) -> dict[str, str]:
    prefix = "x-laneway-"
    return {k.removeprefix(prefix): v for k, v in headers.items() if k.startswith(prefix)}


async def ask(embedded: Embedded, lane: str | None, token: str = TOKEN) -> dict[str, str]:
    headers = {"x-laneway-explain": token}
    if lane is not None:
        headers["my-request-id"] = lane
    _, fields, _ = await fetch(gateway_url(embedded), Call("/mock", headers))
    return told(fields)


async def test_a_hop_explains_itself_to_those_who_may_ask(run: Run) -> None:
    async with run(SCENARIO.mesh, explain=TOKEN) as embedded:
        direct = await ask(embedded, "s2")
        assert direct == {
            "service": "default/mocka",
            "intended": "s2",
            "lane": "s2",
            "served": "s2",
            "workload": "default/mocka-v2",
        }
        absent = await ask(embedded, "s3")
        assert (absent["intended"], absent["lane"], absent["served"]) == ("s3", "?", "s1")
        unnamed = await ask(embedded, None)
        assert "intended" not in unnamed
        assert (unnamed["lane"], unnamed["served"]) == ("s1", "s1")
        await embedded.stop_workload(ObjectName("default", "mocka-v2"))
        fallen = await ask(embedded, "s2")
        assert (fallen["intended"], fallen["lane"], fallen["served"]) == ("s2", "s2", "s1")
        assert await ask(embedded, "s2", token="guess") == {}


async def test_nobody_is_told_where_nobody_may_ask(run: Run) -> None:
    async with run(SCENARIO.mesh) as embedded:
        for token in ("", "1", "true"):
            assert await ask(embedded, "s2", token) == {}


async def test_a_strict_lane_without_an_instance_answers_503_and_says_why(run: Run) -> None:
    mesh = SCENARIO.mesh
    (group,) = mesh.groups
    lanes = tuple(
        replace(lane, services=group.services, mode=Mode.STRICT if lane.name == "s2" else None)
        for lane in mesh.lanes
    )
    async with run(replace(mesh, lanes=lanes), explain=TOKEN) as embedded:
        url = gateway_url(embedded)
        call = Call("/mock", {"my-request-id": "s2", "x-laneway-explain": TOKEN})
        assert (await fetch(url, call))[0] == 200
        await embedded.stop_workload(ObjectName("default", "mocka-v2"))
        status, headers, body = await fetch(url, call)
        assert status == 503
        assert body == "laneway: lane s2 has no healthy instance of service default/mocka\n"
        assert told(headers) == {
            "service": "default/mocka",
            "lane": "s2",
            "intended": "s2",
        }
        assert (await fetch(url, Call("/mock", {"my-request-id": "s1"})))[0] == 200


async def test_envoy_has_nothing_to_say_about_its_configuration(run: Run) -> None:
    """Deprecated fields are a warning at the top of each log."""
    mesh = replace(SCENARIO.mesh, workloads=SCENARIO.mesh.workloads[:1])
    async with run(mesh, explain="please", access_log=True) as embedded:
        await load(gateway_url(embedded), [Call("/mock", {"my-request-id": "s1"})])
        logs = {path.name: path.read_text() for path in embedded.log_dir.glob("*.proxy.log")}
    assert not any(logs.values()), logs


async def listens(url: str) -> bool:
    host, _, port = url.removeprefix("http://").partition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    return True


class Traffic:
    """The figures of a running mesh, read anew each time."""

    def __init__(self, embedded: Embedded) -> None:
        self._now = 0.0
        self._traffic = LaneTraffic(
            embedded.proxies, lambda: embedded.mesh, embedded.figures, lambda: self._now
        )

    async def of_mocka(self) -> dict[tuple[str, str], LaneFigures]:
        self._now += INTERVAL
        figures = await self._traffic.figures()
        return {
            (pair.lane, pair.served): its
            for pair, its in figures.items()
            if pair.service == "default/mocka"
        }

    async def until(self, **requests: int) -> dict[tuple[str, str], LaneFigures]:
        """Once there are so many requests by lane. Workers hand them in a moment later."""
        found: dict[tuple[str, str], LaneFigures] = {}
        for _ in range(100):
            found = await self.of_mocka()
            if {f"{lane}_{served}": f.requests for (lane, served), f in found.items()} == requests:
                return found
            await asyncio.sleep(0.1)
        pytest.fail(f"{found}")


async def test_figures_and_logs_tell_fallbacks_by_cause_and_count_nothing_twice(run: Run) -> None:
    async with run(SCENARIO.mesh, access_log=True) as embedded:
        url, node = gateway_url(embedded), "router~ingressgateway.istio-system"
        traffic = Traffic(embedded)
        await load(url, [Call("/mock", {"my-request-id": lane}) for lane in ("s1", "s2", "s3")])
        await load(url, [Call("/mock", {"my-request-id": f"no{n}"}) for n in range(5)])
        await embedded.stop_workload(ObjectName("default", "mocka-v2"))
        await load(url, [Call("/mock", {"my-request-id": "s2"})])
        counts = {"s1_s1": 1, "s2_s2": 1, "?_s1": 6, "s2_s1": 1}
        figures = await traffic.until(**counts)
        assert all(each.milliseconds > 0 and not each.errors for each in figures.values())
        log = embedded.run_dir / "proxies" / node / "access.log"
        async with asyncio.timeout(60):  # Envoy writes its logs out every ten seconds
            while (text := log.read_text()).count("\n") < 9:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        lines = [json.loads(line) for line in text.splitlines()]
        seen = Counter(f"{line['lane']}_{line['served']}" for line in lines)
        assert seen == counts
        assert {line["status"] for line in lines} == {200}
        assert lines[1]["workload"] == "default/mocka-v2"

        await embedded.restart_proxy(node)
        await load(url, [Call("/mock", {"my-request-id": "s1"})] * 3)
        counts["s1_s1"] += 3
        await traffic.until(**counts)

        pid = embedded.proxy_pid(node)
        assert pid
        os.kill(pid, signal.SIGKILL)
        while embedded.proxy_pid(node) in (pid, None) or not await listens(url):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await embedded.stop_workload(ObjectName("default", "mocka-v1"))
        answers = await load(url, [Call("/mock", {"my-request-id": "s1"})] * 2)
        assert {each.status for each in answers} == {503}
        figures = await traffic.until(**counts, s1_=2)
        assert {key: each.errors for key, each in figures.items() if each.errors} == {("s1", ""): 2}

        # Envoy removes series that are not used any more; the totals keep what they counted.
        for _ in range(300):
            if not await embedded.lane_counts(node):
                break
        else:
            pytest.fail("the gateway keeps series for ever")
        await traffic.until(**counts, s1_=2)
