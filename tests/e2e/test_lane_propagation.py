"""laneway names the service that received a lane's requests and called on without the header."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

import pytest
import pytest_asyncio
from tests.compile.meshes import ROUTE_HEADER
from tests.e2e.chains import SERVED, chain
from tests.e2e.clients import Call, load
from tests.e2e.conftest import running
from tests.e2e.scenarios import gateway_url

from laneway.apiserver.traffic import traffic
from laneway.control.call_totals import WINDOW
from laneway.wiring.embedded import Embedded
from laneway.wiring.lane_traffic import INTERVAL, LaneTraffic

pytestmark = [pytest.mark.envoy, pytest.mark.asyncio(loop_scope="module")]

_ids: Iterator[int] = count()
BUSY = 20


class Watched:
    """A mesh in which applications lose what a request asks them to lose."""

    def __init__(self, embedded: Embedded) -> None:
        self.embedded = embedded
        self.now = 0.0
        self.traffic = LaneTraffic(
            embedded.proxies, lambda: embedded.mesh, embedded.figures, lambda: self.now
        )

    async def ask(self, lane: str, times: int = BUSY, **asked: str) -> None:
        """``asked``: what applications lose or renew, by their versions."""
        headers = {f"x-{name}": versions for name, versions in asked.items()}
        calls = [
            Call("/hops", {ROUTE_HEADER: lane, "x-trace": f"id-{next(_ids)}", **headers})
            for _ in range(times)
        ]
        answers = await load(gateway_url(self.embedded), calls)
        assert {each.status for each in answers} == {200}

    async def lately(self) -> dict[str, dict[str, Any]]:
        """By workload, what was counted since the last time."""
        self.now += INTERVAL
        (document,) = traffic(
            self.embedded.mesh, await self.traffic.figures(), await self.traffic.calls()
        )
        # What was counted up to here is of long ago from now on.
        self.now += WINDOW
        await self.traffic.calls()
        self.now += WINDOW
        return {each["workload"]: each for each in document["status"]["propagation"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched() -> AsyncIterator[Watched]:
    async with running(chain("asgi_application", scheme="http://")) as embedded:
        yield Watched(embedded)


async def test_where_all_pass_the_header_on_nothing_is_said(watched: Watched) -> None:
    for lane in SERVED:
        await watched.ask(lane)
    found = await watched.lately()
    assert {name for name, each in found.items() if each["inLane"]} == {
        f"default/{version}" for versions in SERVED.values() for version in versions[:2]
    }
    assert not any(each["certainty"] or each["message"] for each in found.values())


async def test_of_a_lanes_own_workload_it_is_certain(watched: Watched) -> None:
    await watched.ask("s2", loses="a-s2")
    found = await watched.lately()
    assert [name for name, each in found.items() if each["certainty"]] == ["default/a-s2"]
    lost = found["default/a-s2"]
    assert (lost["certainty"], lost["lane"], lost["header"]) == ("Certain", "s2", "x-trace")
    assert (lost["withoutHeader"], lost["unknownValue"], lost["lostShare"]) == (BUSY, 0, 1)
    assert f"{BUSY} of {BUSY} calls (100%) of a-s2 left their lane" in lost["message"]
    assert "pass on x-trace" in lost["message"]


async def test_of_the_baselines_it_is_suspected(watched: Watched) -> None:
    """Requests of s2 fall back to b-s1, and those of s3 to a-s1."""
    await watched.ask("s2", loses="b-s1")
    await watched.ask("s3", renews="a-s1")
    found = await watched.lately()
    broken = {name: each for name, each in found.items() if each["certainty"]}
    assert {name: each["certainty"] for name, each in broken.items()} == {
        "default/a-s1": "Suspected",
        "default/b-s1": "Suspected",
    }
    assert broken["default/b-s1"]["withoutHeader"] == BUSY
    assert broken["default/a-s1"]["unknownValue"] == BUSY
    assert "whose x-trace is of no request inside" in broken["default/a-s1"]["message"]


async def test_requests_without_a_lane_say_nothing(watched: Watched) -> None:
    calls = [Call("/hops", {"x-loses": "a-s1 b-s1"})] * BUSY
    answers = await asyncio.gather(*(load(gateway_url(watched.embedded), calls) for _ in range(4)))
    assert {each.status for some in answers for each in some} == {200}
    assert not any(each["certainty"] for each in (await watched.lately()).values())
