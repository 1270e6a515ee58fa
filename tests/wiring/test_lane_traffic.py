"""However many ask for figures, proxies are read once an interval, and none holds up the others."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.model.test_lane_figures import took

from laneway.adapters.runner.admin import AdminUnreachable
from laneway.control.lane_totals import Figures
from laneway.control.proxies import ProxyStatus
from laneway.model.lane_figures import LaneFigures, LanePair
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.propagated_calls import PropagatedCalls
from laneway.wiring.lane_traffic import INTERVAL, LaneTraffic, ProxyFigures

WEB = ObjectName("default", "web")
S1 = LanePair("default/web", "s1", "s1")


def mesh(*lanes: str) -> Mesh:
    group = LaneGroup("shop", (WEB,), "x-lane", "")
    return Mesh((group,), tuple(Lane(name, "shop", {"v": name}, (WEB,)) for name in lanes))


class Proxies:
    """``counted`` is what each says; one that is not in it does not answer."""

    def __init__(self, *nodes: str) -> None:
        self.nodes = nodes
        self.now = 100.0
        self.mesh = mesh("base", "s1")
        self.counted: dict[str, Figures] = {node: {S1: took(1)} for node in nodes}
        self.calls: dict[str, dict[str, PropagatedCalls]] = {}
        self.process = 1
        self.reads: Counter[str] = Counter()
        self.traffic = LaneTraffic(self.statuses, lambda: self.mesh, self.read, lambda: self.now)

    def statuses(self) -> list[ProxyStatus]:
        return [ProxyStatus(node, connected=False, synced=False) for node in self.nodes]

    async def read(self, node: str) -> ProxyFigures:
        self.reads[node] += 1
        await asyncio.sleep(0)
        if node not in self.counted:
            raise AdminUnreachable("no")
        return ProxyFigures(self.process, self.counted[node], self.calls.get(node, {}))

    async def requests(self, pair: LanePair = S1) -> int:
        self.now += INTERVAL
        return (await self.traffic.figures()).get(pair, LaneFigures()).requests


async def test_fifty_readers_cost_one_reading() -> None:
    proxies = Proxies("a", "b")
    found = await asyncio.gather(*(proxies.traffic.figures() for _ in range(50)))
    assert all(each == {S1: took(1) + took(1)} for each in found)
    assert proxies.reads == {"a": 1, "b": 1}
    proxies.now += INTERVAL - 0.1
    await proxies.traffic.figures()
    assert proxies.reads == {"a": 1, "b": 1}
    assert await proxies.requests() == 2
    assert proxies.reads == {"a": 2, "b": 2}


async def test_a_proxy_that_does_not_answer_is_missing_and_counted_once() -> None:
    proxies = Proxies("a", "b")
    assert await proxies.requests() == 2
    kept = proxies.counted.pop("b")
    assert await proxies.requests() == 2
    proxies.counted["b"] = kept
    assert await proxies.requests() == 2


async def test_totals_go_on_when_a_proxy_begins_again() -> None:
    proxies = Proxies("a")
    assert await proxies.requests() == 1
    proxies.process = 2
    assert await proxies.requests() == 2


async def test_names_that_are_no_lanes_of_the_mesh_are_no_figures() -> None:
    proxies = Proxies("a")
    strange = [
        LanePair("default/web", "nope", "base"),
        LanePair("default/web", "s1", "nope"),
        LanePair("default/nope", "s1", "base"),
    ]
    absent = LanePair("default/web", "?", "base")
    proxies.counted["a"] = {pair: took(1) for pair in (*strange, absent)}
    assert set(await proxies.traffic.figures()) == {absent}


async def test_a_lane_that_is_gone_is_forgotten_and_begins_at_zero() -> None:
    proxies = Proxies("a")
    assert await proxies.requests() == 1
    proxies.mesh = mesh("base")
    assert await proxies.requests() == 0
    proxies.mesh = mesh("base", "s1")
    proxies.counted["a"] = {S1: took(1, 1)}
    assert await proxies.requests() == 1
