"""Trace headers whose names say that their value changes at each hop.

Sidecars compare the whole value of a header whose format they do not know. If a tracer writes a new
value at each hop, the lane ends at the second service. Only the name of the header is known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from laneway.compile.analyze.codes import Code
from laneway.compile.analyze.reachability import Survey
from laneway.compile.analyze.simulated_requests import tried
from laneway.model.findings import Finding, Severity
from laneway.model.keys import key_of
from laneway.model.lanes import LaneGroup, Propagation
from laneway.model.trace_contexts import example, is_known

#: Headers of tracing systems that contain a span, or the state of the last hop.
_OF_TRACERS = frozenset(
    ["eagleeye-rpcid", "elastic-apm-traceparent", "grpc-trace-bin", "newrelic", "sentry-trace",
     "sw3", "sw6", "sw8-correlation", "sw8-x", "traceresponse", "tracestate", "x-datadog-tags",
     "x-dynatrace", "x-instana-s", "x-ot-span-context"]
)  # fmt: skip
#: Words for properties of a single call, as opposed to the whole request.
_OF_ONE_CALL = frozenset(
    ["attempt", "hop", "hops", "nonce", "parentid", "parentspanid", "retry", "rpcid", "span",
     "spancontext", "spanid", "timestamp"]
)  # fmt: skip
#: The same as suffixes: ``x-request-start``, ``x-datadog-parent-id``.
_AT_THE_END = ("-date", "-parent", "-parent-id", "-start", "-time")


def check(survey: Survey) -> Iterator[Finding]:
    for group in survey.mesh.groups:
        header = group.trace_header.lower()
        if group.propagation is Propagation.TRACE and _changes(header):
            yield from _finding(survey, group)


def _changes(header: str) -> bool:
    words = set(re.split("[-_.]", header))
    named = header == "date" or words & _OF_ONE_CALL or header.endswith(_AT_THE_END)
    return not is_known(header) and bool(named or header in _OF_TRACERS)


def _finding(survey: Survey, group: LaneGroup) -> Iterator[Finding]:
    for reached in survey.reached_of[group.name][:1]:
        headers = {group.trace_header.lower(): example(group.trace_header, 1)}
        request = replace(reached.request, headers={**headers, **reached.request.headers})
        trial = tried(survey, reached.entry.port, request)
        yield Finding(
            Code.CHANGING_TRACE_HEADER,
            f"the name of {group.trace_header} says that its value changes at every hop: sidecars "
            f"do not know the second hop's value, and lanes of group {group.name} end there",
            "choose a header that stays the same, such as x-request-id, or one whose trace id "
            "laneway knows, such as traceparent or b3",
            key_of(group),
            ("spec", "traceHeader"),
            Severity.WARNING,
            example=trial.example("provided that applications pass the header on unchanged"),
        )
