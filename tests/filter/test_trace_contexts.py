"""Lanes by the trace id of tracing systems' headers, in a real Envoy: other spans, one lane."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Iterator
from itertools import count

import pytest
from tests.filter import clients, testbed
from tests.filter.clients import Answer
from tests.filter.testbed import NO_LANE, ROUTE_HEADER, Pair, Setup, Testbed

from laneway.model.trace_contexts import KNOWN, trace_id

pytestmark = pytest.mark.envoy

#: Headers that tell the span or belong to it, where the trace header does not.
BESIDE = {
    "traceparent": ("tracestate",),
    "x-b3-traceid": ("x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled"),
    "x-datadog-trace-id": ("x-datadog-parent-id",),
}
PAIRS = {
    header: Pair(f"p{n}", trace=header, gateway_shows=(header, *BESIDE.get(header, ())))
    for n, header in enumerate(sorted(KNOWN))
}
_numbers = count(1)


@pytest.fixture(scope="module")
def bed() -> Iterator[Testbed]:
    with testbed.running(Setup(tuple(PAIRS.values()), workers=2)) as bed:
        yield bed
        assert "[error]" not in bed.log
        assert "[critical]" not in bed.log


def value(header: str, trace: int, span: int) -> str:
    """The header as a tracer writes it for that span."""
    skywalking = [str(trace), f"segment-{span}", "", f"service-{span}", "i", "/", "a:80"]
    encoded = [b64encode(text.encode()).decode() for text in skywalking]
    encoded[2] = str(span % 10)
    return {
        "traceparent": f"00-{trace:032x}-{span:016x}-0{span % 2}",
        "b3": f"{trace:032x}-{span:016x}-{span % 2}-{span + 1:016x}",
        "x-b3-traceid": f"{trace:016x}" if span % 2 else f"{trace:032x}",
        "sw8": f"{span % 2}-" + "-".join(encoded),
        "uber-trace-id": f"{trace:x}:{span:x}:{span - 1:x}:{span % 2}",
        "x-cloud-trace-context": f"{trace:032x}/{span};o={span % 2}",
        "x-amzn-trace-id": f"Root=1-65000000-{trace:024x};Parent={span:016x};Sampled={span % 2}",
        "x-datadog-trace-id": f"{trace}",
    }[header]


async def receive(bed: Testbed, header: str, *values: str, lane: str | None = "s2") -> None:
    """A request that comes in beside the application."""
    route = [] if lane is None else [(ROUTE_HEADER, lane)]
    path = bed.socket(f"inbound-{PAIRS[header].name}")
    answer = await clients.get(path, *((header, each) for each in values), *route)
    assert answer.status == 200


async def send(bed: Testbed, header: str, *values: str) -> str:
    """Where a call of the application goes."""
    path = bed.socket(f"outbound-{PAIRS[header].name}")
    return (await clients.get(path, *((header, each) for each in values))).cluster


async def enter(bed: Testbed, header: str, *headers: tuple[str, str]) -> Answer:
    return await clients.get(bed.socket(f"gateway-{PAIRS[header].name}"), *headers)


def passed_on(answer: Answer, header: str) -> str:
    return answer.headers[f"x-passed-on-{header}"]


@pytest.mark.parametrize("header", sorted(KNOWN))
async def test_another_span_of_the_same_trace_is_in_the_same_lane(
    bed: Testbed, header: str
) -> None:
    trace = next(_numbers)
    await receive(bed, header, value(header, trace, 10))
    for span in (11, 12, 13):
        assert await send(bed, header, value(header, trace, span)) == "s2"
    assert await send(bed, header, value(header, next(_numbers), 10)) == NO_LANE
    await receive(bed, header, value(header, trace, 20), lane="s3")
    assert await send(bed, header, value(header, trace, 21)) == "s3"


@pytest.mark.parametrize("header", sorted(KNOWN))
async def test_what_has_no_trace_id_is_not_remembered(bed: Testbed, header: str) -> None:
    for malformed in ("x0001", "", " ", ",", "-", "00-0-0-0"):
        await receive(bed, header, malformed)
        assert await send(bed, header, malformed) == NO_LANE


@pytest.mark.parametrize("header", sorted(KNOWN))
async def test_a_gateway_makes_up_a_context_that_is_not_there(bed: Testbed, header: str) -> None:
    made = set()
    for before in ([], [""], [" "], ["", ""], ["x0001"], ["x0001", "x0002"], ["0" * 32]):
        answer = await enter(bed, header, *((header, each) for each in before))
        assert answer.status == 200
        made.add(trace_id(header, passed_on(answer, header)))
    assert None not in made
    assert len(made) == 7


@pytest.mark.parametrize("header", sorted(KNOWN))
async def test_a_gateway_leaves_a_context_as_it_is(bed: Testbed, header: str) -> None:
    text, other = value(header, next(_numbers), 10), value(header, next(_numbers), 10)
    others = [(name, "kept") for name in BESIDE.get(header, ())]
    answer = await enter(bed, header, (header, text), *others)
    assert passed_on(answer, header) == text
    assert [passed_on(answer, name) for name, _ in others] == ["kept"] * len(others)
    # Tracers take none of several, or any: from here on there is one.
    for several in ((text, other), ("", text), ("x0001", text, other), (f"{text}, {other}",)):
        answer = await enter(bed, header, *((header, each) for each in several))
        assert passed_on(answer, header) == text


async def test_what_a_gateway_makes_up_is_as_the_formats_ask_for(bed: Testbed) -> None:
    answer = await enter(bed, "traceparent", ("tracestate", "vendor=of another trace"))
    assert passed_on(answer, "traceparent").endswith("-01")
    assert passed_on(answer, "tracestate") == ""
    answer = await enter(bed, "b3", ("b3", "0"))
    assert passed_on(answer, "b3").endswith("-0")
    stale = [("x-b3-spanid", "1"), ("x-b3-parentspanid", "2"), ("x-b3-sampled", "0")]
    answer = await enter(bed, "x-b3-traceid", *stale)
    assert len(passed_on(answer, "x-b3-spanid")) == 16
    assert passed_on(answer, "x-b3-parentspanid") == ""
    assert passed_on(answer, "x-b3-sampled") == "0"
    answer = await enter(bed, "x-b3-traceid")
    assert passed_on(answer, "x-b3-sampled") == "1"
    # Tracers begin a new trace where there is no span.
    answer = await enter(bed, "x-b3-traceid", ("x-b3-traceid", "8448eb211c80319c"))
    assert passed_on(answer, "x-b3-traceid") == "8448eb211c80319c"
    assert len(passed_on(answer, "x-b3-spanid")) == 16
    root = "Root=1-65000000-0af7651916cd43dd8448eb21"
    answer = await enter(bed, "x-amzn-trace-id", ("x-amzn-trace-id", root))
    assert passed_on(answer, "x-amzn-trace-id").startswith(f"{root};Parent=")
    answer = await enter(bed, "x-datadog-trace-id")
    assert 0 < int(passed_on(answer, "x-datadog-parent-id")) < 2**64
    answer = await enter(bed, "x-amzn-trace-id", ("x-amzn-trace-id", "Sampled=0"))
    assert passed_on(answer, "x-amzn-trace-id").endswith(";Sampled=0")


@pytest.mark.parametrize("header", sorted(KNOWN))
async def test_python_and_zig_read_the_same_trace_ids(bed: Testbed, header: str) -> None:
    """A gateway keeps a trace that it can read; both must agree on any text."""
    chance = random.Random(header)
    parts = [*"0aF1-:/;=d", "%3A", "%3a", "0" * 16, "00", "Root=", "Sampled=1", "o=1", " ", "\t"]
    checked = 0
    while checked < 400:
        text = value(
            header, chance.randrange(1, 2 ** chance.choice((8, 64))), chance.randrange(2, 99)
        )
        for _ in range(chance.randrange(3)):
            at = chance.randrange(len(text) + 1)
            text = text[:at] + chance.choice(parts) + text[at + chance.randrange(3) :]
        text = text.strip(" \t")
        if not text:
            continue
        checked += 1
        answer = await enter(bed, header, (header, text))
        kept = trace_id(header, passed_on(answer, header)) == trace_id(header, text)
        assert kept == (trace_id(header, text) is not None), text


async def test_a_gateway_makes_up_no_id_of_an_unknown_format() -> None:
    unknown = Pair("a", gateway_shows=("my-request-id",))
    with (
        pytest.raises(RuntimeError, match="Envoy ended while starting") as refusal,
        testbed.running(Setup((unknown,))),
    ):
        pass
    assert "with a trace_header of a tracing system" in str(refusal.value)
