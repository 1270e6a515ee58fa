"""The simulated trace memory: the same rules as the filter's."""

from __future__ import annotations

import pytest
from tests.compile.meshes import name

from laneway.compile.ir import TraceMemory
from laneway.compile.simulate.trace_memories import TraceMemories

MEMORY = TraceMemory("test", "X-Lane", "X-Trace")
HERE, THERE = name("here"), name("there")


def received(*lanes: str | None) -> TraceMemories:
    memories = TraceMemories()
    for lane in lanes:
        headers = {"x-trace": "t1"} | ({} if lane is None else {"x-lane": lane})
        memories = memories.receive(MEMORY, [HERE], headers)
    return memories


def sent(memories: TraceMemories, **headers: str) -> str | None:
    given = {key.replace("_", "-"): value for key, value in headers.items()}
    return memories.send(MEMORY, HERE, given)[0].get("x-lane")


@pytest.mark.parametrize(
    ("lanes", "says", "goes"),
    [
        (("s2",), None, "s2"),
        (("s2",), "s3", "s2"),
        (("s2", "s3"), None, "s3"),
        (("s9",), None, "s9"),
        ((), "s3", "s3"),
        ((None,), "s3", "s3"),
        (("s2", None), "s3", None),
        (("s2", ""), "s3", None),
        (("s1,s2",), "s3", "s3"),
        (("s" * 64,), "s3", "s3"),
        (("s" * 63,), "s3", "s" * 63),
    ],
)
def test_the_latest_request_of_a_trace_decides(
    lanes: tuple[str | None, ...], says: str | None, goes: str | None
) -> None:
    headers = {"x_trace": "t1"} | ({} if says is None else {"x_lane": says})
    assert sent(received(*lanes), **headers) == goes


def test_other_traces_and_calls_without_one_go_as_they_are() -> None:
    assert sent(received("s2"), x_trace="t2", x_lane="s3") == "s3"
    assert sent(received("s2"), x_lane="s3") == "s3"
    assert sent(received("s2"), x_trace="") is None


def test_sidecars_do_not_share_memories() -> None:
    assert received("s2").send(MEMORY, THERE, {"x-trace": "t1"}) == ({"x-trace": "t1"}, ())


def test_without_a_filter_nothing_happens() -> None:
    memories = received("s2")
    assert memories.receive(None, [HERE], {"x-trace": "t1", "x-lane": "s3"}) is memories
    assert memories.send(None, HERE, {"x-trace": "t1"}) == ({"x-trace": "t1"}, ())
