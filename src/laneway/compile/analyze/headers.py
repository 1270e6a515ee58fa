"""Headers with two meanings: a lane for one group and a trace id for another, or a shared trace id.

A trace id must be unique to a request. If two requests share one, sidecars only remember the lane
of the later request.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from laneway.compile.analyze.codes import Code
from laneway.compile.analyze.reachability import Reached, Survey
from laneway.compile.analyze.simulated_requests import tried
from laneway.model.findings import Finding, Severity
from laneway.model.keys import key_of
from laneway.model.lanes import LaneGroup, Propagation, StickyKind
from laneway.model.matches import MatchKind
from laneway.model.trace_contexts import example

#: Headers that have the same value in many requests.
_ALIKE = frozenset(
    ["accept", "accept-encoding", "accept-language", "authorization", "content-type", "cookie",
     "forwarded", "origin", "referer", "user-agent", "x-forwarded-for", "x-forwarded-proto",
     "x-real-ip", "x-user", "x-user-id",
     # Whether a trace is recorded: the same few values for all requests.
     "x-b3-flags", "x-b3-sampled", "x-datadog-origin", "x-datadog-sampling-priority", "x-instana-l"]
)  # fmt: skip


def check(survey: Survey) -> Iterator[Finding]:
    for group in survey.mesh.groups:
        for reached in survey.reached_of[group.name][:1]:
            yield from _sticky(survey, group, reached)
            if group.propagation is Propagation.TRACE:
                yield from _conflicts(survey, group, reached)
        if group.propagation is Propagation.TRACE:
            yield from _shared_ids(survey, group)


def _conflicts(survey: Survey, group: LaneGroup, reached: Reached) -> Iterator[Finding]:
    for other in survey.mesh.groups:
        if other is group or other.route_header.lower() != group.trace_header.lower():
            continue
        trial = tried(survey, reached.entry.port, reached.request)
        yield Finding(
            Code.HEADER_CONFLICT,
            f"{group.trace_header} is the trace header of group {group.name} and names the lanes "
            f"of group {other.name}: a lane is taken for a trace id, and an id for a lane",
            f"give group {group.name} another trace header",
            key_of(group),
            ("spec", "traceHeader"),
            Severity.WARNING,
            example=trial.example(
                f"the gateway puts a new id into {group.trace_header}, where the request has none"
            ),
        )


def _sticky(survey: Survey, group: LaneGroup, reached: Reached) -> Iterator[Finding]:
    sticky = group.sticky
    if sticky is None or sticky.kind is not StickyKind.HEADER or reached.route.split is None:
        return
    if sticky.name.lower() == group.route_header.lower():
        yield Finding(
            Code.HEADER_CONFLICT,
            f"{sticky.name}, the route header, cannot distinguish users: only requests in "
            "which it names no lane get one by weight",
            "name a header that identifies users, such as x-user",
            key_of(group),
            ("spec", "sticky"),
            Severity.WARNING,
            example=tried(survey, reached.entry.port, reached.request).example(),
        )


def _shared_ids(survey: Survey, group: LaneGroup) -> Iterator[Finding]:
    for reached in survey.reached_of[group.name]:
        if why := _alike(group, reached):
            one = example(group.trace_header, 1)
            headers = {group.trace_header.lower(): one, **reached.request.headers}
            request = replace(reached.request, headers=headers)
            trial = tried(survey, reached.entry.port, request)
            yield Finding(
                Code.SHARED_TRACE_ID,
                f"{group.trace_header} does not distinguish requests: {why}; sidecars confuse two "
                "concurrent requests in different lanes",
                "choose a trace header that is unique for each request, such as x-request-id",
                key_of(group),
                ("spec", "traceHeader"),
                Severity.WARNING,
                example=trial.example(
                    "and the same with another lane, at once: sidecars remember one lane for both"
                ),
            )
            return


def _alike(group: LaneGroup, reached: Reached) -> str:
    """Why many requests must have the same trace id. Empty if they need not."""
    header = group.trace_header.lower()
    asked = reached.route.headers.get(header)
    if asked is not None and asked.kind is MatchKind.EXACT:
        return f"a rule takes only requests that all have {asked.value} there"
    sticky = group.sticky
    if sticky is not None and sticky.kind is StickyKind.HEADER and sticky.name.lower() == header:
        return "it names users, to keep them in their lanes"
    return "callers send it alike with many requests" if header in _ALIKE else ""
