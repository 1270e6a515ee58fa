"""Trace ids as tracing systems' own libraries write them, and what is none."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.propagators.b3 import B3MultiFormat, B3SingleFormat
from opentelemetry.propagators.jaeger import JaegerPropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from laneway.model.trace_contexts import KNOWN, example, is_known, trace_id

PROPAGATORS: Mapping[str, TextMapPropagator] = {
    "traceparent": TraceContextTextMapPropagator(),
    "b3": B3SingleFormat(),
    "x-b3-traceid": B3MultiFormat(),
    "uber-trace-id": JaegerPropagator(),
    "x-amzn-trace-id": AwsXRayPropagator(),
}
IDS = st.integers(1, 2**128 - 1)
SPANS = st.integers(1, 2**64 - 1)


def written(header: str, trace_number: int, span: int, sampled: bool) -> str:
    """The header as OpenTelemetry writes it."""
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED if sampled else trace.TraceFlags.DEFAULT)
    context = trace.SpanContext(trace_number, span, is_remote=False, trace_flags=flags)
    carrier: dict[str, str] = {}
    current = trace.set_span_in_context(trace.NonRecordingSpan(context))
    PROPAGATORS[header].inject(carrier, current)
    return {name.lower(): value for name, value in carrier.items()}[header]


@pytest.mark.parametrize("header", PROPAGATORS)
@given(one=IDS, other=IDS, spans=st.tuples(SPANS, SPANS), sampled=st.booleans())
def test_spans_of_one_trace_have_one_id(
    header: str, one: int, other: int, spans: tuple[int, int], sampled: bool
) -> None:
    first, second = (trace_id(header, written(header, one, span, sampled)) for span in spans)
    assert first is not None
    assert first == second == trace_id(header.upper(), written(header, one, spans[0], True))
    # Who knows B3's short ids alone drops what stands before them.
    kept = 2**64 if "b3" in header and one % 2**64 and other % 2**64 else 2**128
    of_other = trace_id(header, written(header, other, spans[0], sampled))
    assert (first == of_other) == (one % kept == other % kept)


@pytest.mark.parametrize("header", sorted(KNOWN))
def test_examples_are_of_their_format(header: str) -> None:
    ids = {trace_id(header, example(header, number)) for number in (1, 2, 12345, 2**64 - 1)}
    assert None not in ids
    assert len(ids) == 4


@pytest.mark.parametrize("header", sorted(KNOWN))
@given(text=st.text())
def test_any_text_has_an_id_or_none(header: str, text: str) -> None:
    found = trace_id(header, text)
    assert found is None or (found and "," not in text)


def test_of_a_header_that_is_not_known_the_whole_value_counts() -> None:
    assert not is_known("my-request-id")
    assert trace_id("My-Request-Id", " x ") == " x "
    assert trace_id("my-request-id", example("traceparent", 1)) == example("traceparent", 1)
    assert trace_id("my-request-id", " \t") is None
    assert example("my-request-id", 7) == "x0007"
