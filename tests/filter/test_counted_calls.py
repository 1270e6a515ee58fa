"""What the native filter counts of an application's calls while requests of lanes are inside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

import pytest
from tests.filter import clients, testbed
from tests.filter.testbed import LANES, ROUTE_HEADER, TRACE_HEADER, Pair, Setup, Testbed

from laneway.compile.envoy.call_statistics import readings
from laneway.model.propagated_calls import PropagatedCalls

pytestmark = pytest.mark.envoy

BAGGAGE = {"trace": "", "baggage_key": "lane"}
PAIRS = (
    Pair("keeps"),
    Pair("loses", loses=(ROUTE_HEADER, TRACE_HEADER)),
    Pair("renews", renews=(TRACE_HEADER,)),
    Pair("keeps-baggage", **BAGGAGE),  # type: ignore[arg-type]
    Pair("loses-baggage", loses=("baggage", ROUTE_HEADER), **BAGGAGE),  # type: ignore[arg-type]
    Pair("keeps.route", trace="", loses=()),
    Pair("loses.route", trace="", loses=(ROUTE_HEADER,)),
)


@pytest.fixture(scope="module")
def bed() -> Iterator[Testbed]:
    with testbed.running(Setup(PAIRS, shell="native", delay=0.05)) as bed:
        yield bed
        assert "[error]" not in bed.log
        assert "[critical]" not in bed.log


def counted_by_group(bed: Testbed) -> Mapping[str, PropagatedCalls]:
    """As laneway reads it."""
    text = "\n".join(f"{name}: {n}" for name, n in bed.stats("laneway_calls").items())
    return readings(text)


def counted(bed: Testbed, pair: str) -> PropagatedCalls:
    return counted_by_group(bed)[pair]


async def ask(bed: Testbed, pair: str, *headers: tuple[str, str]) -> None:
    answer = await clients.get(bed.socket(f"inbound-{pair}"), *headers)
    assert answer.status == 200


async def cut_off(bed: Testbed, text: bytes) -> None:
    _, writer = await asyncio.open_unix_connection(bed.socket("inbound-keeps"))
    writer.write(text)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("pair", "added"),
    [
        ("keeps", PropagatedCalls(in_lane=1)),
        ("loses", PropagatedCalls(without_header=1)),
        ("renews", PropagatedCalls(unknown_value=1)),
        ("keeps-baggage", PropagatedCalls(in_lane=1)),
        ("loses-baggage", PropagatedCalls(without_header=1)),
        ("keeps.route", PropagatedCalls(in_lane=1)),
        ("loses.route", PropagatedCalls(without_header=1)),
    ],
)
async def test_a_call_is_counted_by_what_it_names(
    bed: Testbed, pair: str, added: PropagatedCalls
) -> None:
    before = counted(bed, pair)
    await ask(bed, pair, (ROUTE_HEADER, "s2"), (TRACE_HEADER, f"id-{pair}"))
    assert counted(bed, pair) == before + added


async def test_a_request_without_a_lane_or_without_a_trace_id_says_nothing(bed: Testbed) -> None:
    before = counted(bed, "loses")
    await ask(bed, "loses", (TRACE_HEADER, "none"))
    await ask(bed, "loses", (ROUTE_HEADER, "s2"))
    await ask(bed, "loses", (ROUTE_HEADER, "s1,s2"), (TRACE_HEADER, "two"))
    await clients.get(bed.socket("outbound-loses"))
    assert counted(bed, "loses") == before


async def test_nor_do_requests_of_lanes_while_another_is_inside(bed: Testbed) -> None:
    before = counted(bed, "loses")
    others = [asyncio.create_task(ask(bed, "loses")) for _ in range(4)]
    await asyncio.sleep(0.02)
    await ask(bed, "loses", (ROUTE_HEADER, "s2"), (TRACE_HEADER, "id"))
    await asyncio.gather(*others)
    # The calls of the four, and perhaps that of the lane, end while one of them is inside.
    assert counted(bed, "loses").lost - before.lost <= 1


async def test_other_groups_requests_do_not_count(bed: Testbed) -> None:
    before = counted_by_group(bed)
    inside = asyncio.create_task(ask(bed, "keeps", (ROUTE_HEADER, "s2"), (TRACE_HEADER, "other")))
    await asyncio.sleep(0.02)
    await clients.get(bed.socket("outbound-loses"))
    await inside
    lost = {group: calls.lost for group, calls in counted_by_group(bed).items()}
    assert lost == {group: calls.lost for group, calls in before.items()}


async def test_after_thousands_at_once_on_four_workers_none_is_left_inside(bed: Testbed) -> None:
    def headers(n: int) -> clients.Headers:
        lane = [(ROUTE_HEADER, LANES[n % 3])] if n % 2 else []
        return [(TRACE_HEADER, f"load-{n}"), *lane]

    await clients.each(bed.socket("inbound-keeps"), range(2000), 100, headers)
    # Requests that are cut off end as well, and broken ones never enter.
    request = b"GET / HTTP/1.1\r\nhost: a\r\nx-asm-prefer-tag: s1\r\nmy-request-id: c\r\n\r\n"
    broken = b"\x16\x03\x01 hello\r\n\r\n"
    await asyncio.gather(*(cut_off(bed, text) for text in [request, broken] * 50))
    await asyncio.sleep(0.2)

    before = counted(bed, "keeps")
    await clients.get(bed.socket("outbound-keeps"))
    assert counted(bed, "keeps") == before
    await ask(bed, "keeps", (ROUTE_HEADER, "s2"), (TRACE_HEADER, "last"))
    assert counted(bed, "keeps") == before + PropagatedCalls(in_lane=1)
