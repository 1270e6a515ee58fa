"""What the filter does with headers, in a real Envoy with four workers: the same in both shells."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import count

import pytest
from tests.filter import clients, testbed
from tests.filter.clients import Answer
from tests.filter.testbed import (
    NO_LANE,
    ROUTE_HEADER,
    SHELLS,
    TRACE_HEADER,
    Pair,
    Setup,
    Shell,
    Testbed,
)

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

OTHER_ROUTE = Pair("b", route="x-other-lane")
OTHER_TRACE = Pair("c", trace="x-other-id")
_numbers = count()


@pytest.fixture(scope="module", params=SHELLS)
def shell(request: pytest.FixtureRequest) -> Shell:
    chosen: Shell = request.param
    return chosen


@pytest.fixture(scope="module")
def bed(shell: Shell) -> Iterator[Testbed]:
    pairs = (Pair("a"), OTHER_ROUTE, OTHER_TRACE)
    with testbed.running(Setup(pairs, shell=shell)) as bed:
        yield bed
        assert "[error]" not in bed.log
        assert "[critical]" not in bed.log


@pytest.fixture
def trace() -> str:
    """A trace id that no other test uses."""
    return f"trace-{next(_numbers)}"


async def call(bed: Testbed, *headers: tuple[str, str | bytes], pair: str = "a") -> Answer:
    """A whole call: inbound, application, outbound."""
    answer = await clients.get(bed.socket(f"inbound-{pair}"), *headers)
    assert answer.status == 200
    return answer


async def send(bed: Testbed, *headers: tuple[str, str | bytes], pair: str = "a") -> Answer:
    """A call that the application makes: outbound only."""
    answer = await clients.get(bed.socket(f"outbound-{pair}"), *headers)
    assert answer.status == 200
    return answer


async def test_the_lane_returns_on_the_outbound_side(bed: Testbed, trace: str) -> None:
    answer = await call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s2"))
    assert (answer.cluster, answer.seen()) == ("s2", "s2")


async def test_the_memory_outlasts_the_call(bed: Testbed, trace: str) -> None:
    await call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s2"))
    for _ in range(8):  # by as many connections, hence on all workers
        assert (await send(bed, (TRACE_HEADER, trace))).cluster == "s2"


async def test_the_route_is_chosen_anew_by_the_header_that_was_set(
    bed: Testbed, trace: str
) -> None:
    await call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s2"))
    answer = await send(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s3"))
    assert (answer.cluster, answer.seen()) == ("s2", "s2")


async def test_an_unknown_lane_is_passed_on_and_served_by_the_baseline(
    bed: Testbed, trace: str
) -> None:
    answer = await call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s9"))
    assert (answer.cluster, answer.seen()) == (NO_LANE, "s9")


async def test_the_latest_lane_of_an_id_wins(bed: Testbed, trace: str) -> None:
    for lane in ("s1", "s3", "s2", "s3"):
        answer = await call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, lane))
        assert answer.cluster == lane


async def test_an_id_that_comes_back_without_a_lane_has_none(bed: Testbed, trace: str) -> None:
    await call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s2"))
    answer = await call(bed, (TRACE_HEADER, trace))
    assert (answer.cluster, answer.seen()) == (NO_LANE, "")
    # Not even where the application names one: what is known of the id wins.
    answer = await send(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s3"))
    assert (answer.cluster, answer.seen()) == (NO_LANE, "")


async def test_who_begins_a_chain_may_name_the_lane(bed: Testbed, trace: str) -> None:
    answer = await send(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s3"))
    assert (answer.cluster, answer.seen()) == ("s3", "s3")
    assert (await send(bed, (ROUTE_HEADER, "s1"))).cluster == "s1"
    # An inbound request without a lane leaves no trace that would forbid it.
    await call(bed, (TRACE_HEADER, trace))
    assert (await send(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s3"))).cluster == "s3"


async def test_without_a_trace_id_nothing_is_remembered(bed: Testbed) -> None:
    for missing in ([], [(TRACE_HEADER, "")], [(TRACE_HEADER, "  ")]):
        answer = await call(bed, *missing, (ROUTE_HEADER, "s2"))
        assert (answer.cluster, answer.seen()) == (NO_LANE, "")


async def test_an_empty_route_header_names_no_lane(bed: Testbed, trace: str) -> None:
    await call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s2"))
    answer = await call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, ""))
    assert answer.cluster == NO_LANE


async def test_of_a_repeated_trace_header_the_first_counts(bed: Testbed, trace: str) -> None:
    twice = ((TRACE_HEADER, trace), (TRACE_HEADER, f"{trace}-second"))
    answer = await call(bed, *twice, (ROUTE_HEADER, "s2"))
    assert answer.cluster == "s2"
    assert (await send(bed, (TRACE_HEADER, trace))).cluster == "s2"
    assert (await send(bed, (TRACE_HEADER, f"{trace}-second"))).cluster == NO_LANE


async def test_a_repeated_route_header_names_no_lane(bed: Testbed, trace: str) -> None:
    """As on the way here: Envoy's own look-up reads ``s2,s3``, and chose the baseline."""
    for repeated in (("s2", "s3"), ("s2", "s2")):
        await call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s1"))
        twice = [(ROUTE_HEADER, lane) for lane in repeated]
        assert (await call(bed, (TRACE_HEADER, trace), *twice)).cluster == NO_LANE
        assert (await send(bed, (TRACE_HEADER, f"{trace}-unknown"), *twice)).cluster == NO_LANE


async def test_all_of_a_repeated_route_header_is_replaced(bed: Testbed, trace: str) -> None:
    await call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s1"))
    answer = await send(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s2"), (ROUTE_HEADER, "s3"))
    assert (answer.cluster, answer.seen()) == ("s1", "s1")


async def test_the_same_id_in_two_groups_is_two_ids(bed: Testbed, trace: str) -> None:
    await call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s1"))
    await call(bed, (TRACE_HEADER, trace), (OTHER_ROUTE.route, "s2"), pair="b")
    await call(bed, (OTHER_TRACE.trace, trace), (ROUTE_HEADER, "s3"), pair="c")
    assert (await send(bed, (TRACE_HEADER, trace))).cluster == "s1"
    assert (await send(bed, (TRACE_HEADER, trace), pair="b")).cluster == "s2"
    assert (await send(bed, (OTHER_TRACE.trace, trace), pair="c")).cluster == "s3"


# Envoy takes 60 KiB of request headers; the rest of a request here is well under 1 KiB.
@pytest.mark.parametrize("length", [1, 127, 128, 129, 256, 4096, 32 * 1024, 59 * 1024])
async def test_ids_of_any_length(bed: Testbed, trace: str, length: int) -> None:
    long = trace.ljust(length, "x")[-length:] if length > 1 else "!"
    other = long[:-1] + "y"
    assert (await call(bed, (TRACE_HEADER, long), (ROUTE_HEADER, "s2"))).cluster == "s2"
    assert (await call(bed, (TRACE_HEADER, other))).cluster == NO_LANE
    assert (await call(bed, (TRACE_HEADER, other), (ROUTE_HEADER, "s3"))).cluster == "s3"
    assert (await send(bed, (TRACE_HEADER, long))).cluster == "s2"


async def test_beyond_its_limit_envoy_answers(bed: Testbed) -> None:
    answer = await clients.get(bed.socket("inbound-a"), (TRACE_HEADER, "x" * 61 * 1024))
    assert answer.status == 431


@pytest.mark.parametrize("length", [63, 64, 4096, 59 * 1024])
async def test_lanes_of_any_length(bed: Testbed, trace: str, length: int) -> None:
    """No lane's name is longer than 63; what is longer counts as no lane."""
    await call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s2"))
    lane = "x" * length
    answer = await call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, lane))
    assert answer.cluster == NO_LANE
    assert answer.seen() == (lane if length <= 63 else "")


async def test_values_of_any_bytes(bed: Testbed) -> None:
    bytes_ = bytes(b for b in range(0x21, 0x100) if b not in b",\x7f")
    for start in range(0, len(bytes_), 50):
        value = bytes_[start : start + 50]
        answer = await call(bed, (TRACE_HEADER, value), (ROUTE_HEADER, value))
        assert answer.cluster == NO_LANE
        assert answer.seen().encode("latin-1") == value
        answer = await call(bed, (TRACE_HEADER, value), (ROUTE_HEADER, "s2"))
        assert answer.cluster == "s2"


async def test_what_is_remembered_expires(shell: Shell) -> None:
    with testbed.running(Setup(options={"ttl_seconds": 1}, shell=shell)) as bed:
        await clients.get(bed.socket("direct-inbound"), (TRACE_HEADER, "a"), (ROUTE_HEADER, "s2"))
        # Not by looking again and again: a look-up late in an entry's life renews it.
        await asyncio.sleep(1.2)
        assert (await send(bed, (TRACE_HEADER, "a"))).cluster == NO_LANE
        assert (await send(bed, (TRACE_HEADER, "a"), (ROUTE_HEADER, "s3"))).cluster == "s3"


async def test_what_is_used_does_not_expire(shell: Shell) -> None:
    with testbed.running(Setup(options={"ttl_seconds": 3}, shell=shell)) as bed:
        await call(bed, (TRACE_HEADER, "a"), (ROUTE_HEADER, "s2"))
        until = time.monotonic() + 4.5
        while time.monotonic() < until:
            assert (await send(bed, (TRACE_HEADER, "a"))).cluster == "s2"
            await asyncio.sleep(0.1)


async def test_what_is_remembered_outlives_the_request_that_it_came_with(
    shell: Shell,
) -> None:
    """The application works for a few times as long as the memory lives, then calls."""
    long = "x" * 500
    with testbed.running(Setup(options={"ttl_seconds": 3}, delay=8, shell=shell)) as bed:
        async with asyncio.TaskGroup() as group:
            calls = {
                trace: group.create_task(call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, "s2")))
                for trace in ("a", "b", long)
            }
            await asyncio.sleep(1)
            # Meanwhile the latest request of an id decides, as always.
            receive = bed.socket("direct-inbound")
            await clients.get(receive, (TRACE_HEADER, "b"), (ROUTE_HEADER, "s3"))
            await clients.get(receive, (TRACE_HEADER, "c"), (ROUTE_HEADER, "s3"))
        clusters = {trace: task.result().cluster for trace, task in calls.items()}
        assert clusters == {"a": "s2", "b": "s3", long: "s2"}
        assert (await send(bed, (TRACE_HEADER, "c"))).cluster == NO_LANE
        await asyncio.sleep(4)
        assert (await send(bed, (TRACE_HEADER, "a"))).cluster == NO_LANE


async def test_ids_of_one_set_are_told_apart(shell: Shell) -> None:
    with testbed.running(Setup(options={"sets": 1}, shell=shell)) as bed:
        lanes = {f"id-{n}": ("s2", "s3")[n % 2] for n in range(10)}
        for trace, lane in lanes.items():
            await call(bed, (TRACE_HEADER, trace), (ROUTE_HEADER, lane))
        found = {trace: (await send(bed, (TRACE_HEADER, trace))).cluster for trace in lanes}
        assert found == lanes
        assert (await send(bed, (TRACE_HEADER, "id-10"))).cluster == NO_LANE


async def test_the_counters_say_what_happened(shell: Shell) -> None:
    with testbed.running(Setup(options={"sets": 1}, shell=shell)) as bed:
        for n in range(17):
            await call(bed, (TRACE_HEADER, f"id-{n}"), (ROUTE_HEADER, "s2"))
        await send(bed, (TRACE_HEADER, "id-0"))
        await send(bed, (TRACE_HEADER, "id-1"))
        assert bed.counters() == {"stored": 17, "hits": 18, "misses": 1, "evicted_live": 1}


async def test_a_bad_update_is_refused_and_harms_no_filter_that_works(shell: Shell) -> None:
    with testbed.running(Setup(shell=shell)) as bed:
        await call(bed, (TRACE_HEADER, "a"), (ROUTE_HEADER, "s2"))
        assert not bed.reconfigure(Setup(options={"sets": 0}, shell=shell))
        assert "sets must be from 1" in bed.log
        for n in range(8):
            answer = await call(bed, (TRACE_HEADER, f"a-{n}"), (ROUTE_HEADER, "s3"))
            assert answer.cluster == "s3"
        assert (await send(bed, (TRACE_HEADER, "a"))).cluster == "s2"
        assert bed.reconfigure(Setup(options={"sets": 1}, shell=shell))


async def test_a_proxy_that_runs_for_long_takes_any_number_of_configurations(shell: Shell) -> None:
    """In WebAssembly each is a root context of its own in the VM, which has room for 256."""
    with testbed.running(Setup(shell=shell)) as bed:
        for n in range(300):
            assert bed.reconfigure(Setup([Pair("a", trace=f"x-id-{n}")], shell=shell))
        await call(bed, (TRACE_HEADER, "before"), (ROUTE_HEADER, "s2"))
        assert bed.counters()["stored"] == 1

        def is_latest_active() -> bool:
            headers = ((f"x-id-{n}", "a"), (ROUTE_HEADER, "s1"))
            asyncio.run(clients.get(bed.socket("dynamic"), *headers))
            return bed.counters()["stored"] > 1

        await asyncio.to_thread(
            testbed.wait_until, is_latest_active, "the last configuration has no effect", bed
        )
        assert "[error]" not in bed.log


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"direction": "sideways"}, 'direction must be "inbound" or "outbound"'),
        ({"route_header": TRACE_HEADER}, "are the same"),
        ({"trace_header": "not a name"}, "must be header names"),
        ({"sets": 0}, "sets must be from 1"),
        ({"ttl_seconds": 0}, "ttl_seconds must be from 1"),
        ({"sets": "many"}, "must be a JSON object"),
        ({"set": 1}, "unknown field"),
    ],
)
def test_a_bad_configuration_is_refused_and_explained(
    options: dict[str, object], said: str, shell: Shell
) -> None:
    with (
        pytest.raises(RuntimeError, match="Envoy ended while starting") as refusal,
        testbed.running(Setup(options=options, shell=shell)),
    ):
        pass
    assert said in str(refusal.value)
