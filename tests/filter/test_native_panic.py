"""A panic of the native module ends no proxy and no request: the module does nothing any more."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

import hatch_build
import pytest
from tests.filter import clients, testbed
from tests.filter.testbed import LANES, NO_LANE, ROUTE_HEADER, TRACE_HEADER, Setup, Testbed

pytestmark = pytest.mark.envoy

# What `native_panicking.zig` panics at.
DEADLY = "panic now"


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = hatch_build.native(platform.machine(), "native_panicking.zig")
    path = tmp_path_factory.mktemp("panicking") / made.name
    sources = (hatch_build.SOURCES / name for name in (made.root, *made.others))
    hatch_build.zig(*made.arguments, "-fstrip", f"-femit-bin={path}", *sources)
    return path


@pytest.fixture
def bed(module: Path) -> Iterator[Testbed]:
    with testbed.running(Setup(options={"sets": 1}, shell="native", module=module)) as bed:
        yield bed


async def ask(bed: Testbed, *headers: tuple[str, str]) -> clients.Answer | None:
    """None where the connection ends without an answer."""
    try:
        return await clients.get(bed.socket("inbound-a"), *headers)
    except (OSError, EOFError):
        return None


async def test_requests_go_on_without_the_memory(bed: Testbed) -> None:
    before = await clients.get(bed.socket("inbound-a"), (TRACE_HEADER, "a"), (ROUTE_HEADER, "s2"))
    assert before.cluster == "s2"
    assert "has failed" not in bed.log

    deadly = await ask(bed, (TRACE_HEADER, DEADLY), (ROUTE_HEADER, "s2"))
    assert deadly is not None, f"the proxy has ended:\n{bed.log}"
    assert (deadly.status, deadly.cluster) == (200, NO_LANE)
    after = await clients.get(bed.socket("inbound-a"), (TRACE_HEADER, "a"), (ROUTE_HEADER, "s2"))
    assert (after.status, after.cluster) == (200, NO_LANE)
    named = await clients.get(bed.socket("outbound-a"), (TRACE_HEADER, "a"), (ROUTE_HEADER, "s3"))
    assert named.cluster == "s3"
    assert bed.log.count("the trace memory has failed and does nothing") == 1
    assert "as the test asks for" in bed.log
    assert bed.process.poll() is None


async def test_of_many_requests_at_once_none_is_lost(bed: Testbed) -> None:
    def headers(n: int) -> clients.Headers:
        trace = DEADLY if n % 100 == 99 else f"id-{n}"
        return [(TRACE_HEADER, trace), (ROUTE_HEADER, LANES[n % 3])]

    answers = await clients.each(bed.socket("inbound-a"), range(2000), 50, headers)
    assert {answer.status for _, answer in answers} == {200}
    assert {answer.cluster for n, answer in answers} <= {*LANES, NO_LANE}
    assert answers[-1][1].cluster == NO_LANE
    assert bed.log.count("the trace memory has failed and does nothing") == 1
    assert bed.process.poll() is None
