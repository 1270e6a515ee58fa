"""While a request is inside the workload, what it brought is remembered, however long it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.filter import clients, testbed
from tests.filter.testbed import NO_LANE, ROUTE_HEADER, TRACE_HEADER, Setup, Testbed

pytestmark = pytest.mark.envoy


@pytest.fixture
def bed() -> Iterator[Testbed]:
    """An application that works for twice the time to live before it calls on."""
    options = {"ttl_seconds": 1, "sets": 1}
    with testbed.running(Setup(options=options, delay=2.0, shell="native")) as bed:
        yield bed


async def call(bed: Testbed, trace: str, lane: str) -> str:
    headers = [(TRACE_HEADER, trace), *([(ROUTE_HEADER, lane)] if lane else [])]
    return (await clients.get(bed.socket("inbound-a"), *headers)).cluster


async def test_a_request_that_outlives_the_time_to_live_stays_in_its_lane(bed: Testbed) -> None:
    assert await call(bed, "a", "s2") == "s2"


async def test_so_do_two_requests_with_one_id(bed: Testbed) -> None:
    """The end of the first leaves the second one's."""

    async def second() -> str:
        await asyncio.sleep(1.5)
        return await call(bed, "a", "s2")

    assert set(await asyncio.gather(call(bed, "a", "s2"), second())) == {"s2"}


async def test_newer_ids_do_not_push_it_out(bed: Testbed) -> None:
    """Sixteen fill the set; those are over at once, and this one is not."""

    async def newer() -> None:
        for n in range(40):
            headers = ((TRACE_HEADER, f"newer-{n}"), (ROUTE_HEADER, "s3"))
            await clients.get(bed.socket("direct-inbound"), *headers)

    cluster, _ = await asyncio.gather(call(bed, "a", "s2"), newer())
    assert cluster == "s2"


async def test_afterwards_it_is_forgotten_in_time(bed: Testbed) -> None:
    assert await call(bed, "a", "s2") == "s2"
    await asyncio.sleep(1.2)
    answer = await clients.get(bed.socket("outbound-a"), (TRACE_HEADER, "a"))
    assert answer.cluster == NO_LANE


async def test_a_request_that_is_cut_off_ends_too(bed: Testbed) -> None:
    """Its caller has gone away: nothing is left that would never be forgotten."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await call(bed, "a", "s2")
    await asyncio.sleep(3.5)
    answer = await clients.get(bed.socket("outbound-a"), (TRACE_HEADER, "a"))
    assert answer.cluster == NO_LANE
