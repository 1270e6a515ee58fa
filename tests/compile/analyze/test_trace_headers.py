"""Trace headers that do not tell requests apart, or that do not last as long as a request."""

from __future__ import annotations

import pytest
from tests.compile.analyze.example_checks import only, proved
from tests.compile.analyze.example_meshes import ENTRY, chain, rules
from tests.compile.meshes import TRACE_HEADER, exact, lane, rule

from laneway.compile.analyze import Code
from laneway.model.findings import Severity
from laneway.model.lanes import Sticky, StickyKind
from laneway.model.meshes import Mesh


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        (chain(trace_header="User-Agent"), "callers send it alike"),
        (chain(trace_header="X-B3-Sampled"), "callers send it alike"),
        (
            chain(
                lane("s2", "a b c", ENTRY, weight=10),
                sticky=Sticky(StickyKind.HEADER, TRACE_HEADER),
            ),
            "it names users",
        ),
        (rules(rule("a", headers={"X-Trace": exact("1")})), "all have 1 there"),
    ],
)
def test_a_trace_header_that_tells_no_requests_apart(declared: Mesh, why: str) -> None:
    assert why in only(declared, Code.SHARED_TRACE_ID).message


CHANGING = [
    "x-b3-spanid", "X-B3-ParentSpanId", "x-datadog-parent-id", "tracestate", "x-span-id", "Date",
    "sw6", "x_span", "x-request-start", "x-request-timestamp", "grpc-trace-bin",
    "x-envoy-attempt-count", "sentry-trace", "EagleEye-RpcId", "x-rpcid",
]  # fmt: skip
LASTING = [
    "traceparent", "b3", "X-B3-TraceId", "sw8", "uber-trace-id", "X-Cloud-Trace-Context",
    "x-amzn-trace-id", "x-datadog-trace-id", "x-request-id", "my-request-id", "x-trace",
    "x-correlation-id", "EagleEye-TraceId", "x-start-id", "x-updated", "x-spanish-id",
]  # fmt: skip


@pytest.mark.parametrize("header", CHANGING)
def test_a_trace_header_that_has_another_value_at_each_hop(header: str) -> None:
    found = only(chain(lane("s2", "a c", ENTRY), trace_header=header), Code.CHANGING_TRACE_HEADER)
    assert found.field == "spec.traceHeader"
    assert header in found.message
    assert found.severity is Severity.WARNING


@pytest.mark.parametrize("header", LASTING)
def test_a_trace_header_that_lasts(header: str) -> None:
    assert proved(chain(lane("s2", "a c", ENTRY), trace_header=header)) == []
