"""Rules by which one lane changes the way of requests that are none of its own.

A rule takes every request that meets it, whatever lane that names. Where a lane has a rule to
itself inside what others ask for too, their requests are the baseline's there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from laneway.compile.analyze.codes import Code
from laneway.compile.analyze.meetings import Meeting, meetings
from laneway.compile.analyze.rules import about, groups_of, rule_of
from laneway.compile.analyze.surveys import Survey
from laneway.compile.analyze.trials import tried
from laneway.compile.ir import IngressRoute
from laneway.compile.simulate import Request
from laneway.compile.simulate.gateways import describe
from laneway.model.findings import Finding
from laneway.model.lanes import LaneGroup
from laneway.model.suggestions import listing


def check(survey: Survey) -> Iterator[Finding]:
    told: set[int] = set()
    for meeting in meetings(survey, _may_divert):
        if id(meeting.winner) in told:
            continue
        group = survey.group(groups_of(meeting.winner)[0])
        if lanes := _diverted(survey, meeting, group):
            whose = f"requests that name lane {listing(lanes, 4)}"
            request = _naming(meeting, group, lanes[0])
        elif _is_another_way(survey, meeting, group):
            whose, request = "requests that name no lane", meeting.request
        else:
            continue
        told.add(id(meeting.winner))
        yield _finding(survey, meeting, group, whose, request)


def _may_divert(winner: IngressRoute, loser: IngressRoute) -> bool:
    """Of one group, with lanes in the one that the other lacks."""
    lanes = {lane.name for lane, _ in winner.rules}
    return groups_of(winner) == groups_of(loser) and any(
        lane.name not in lanes for lane, _ in loser.rules
    )


def _diverted(survey: Survey, meeting: Meeting, group: LaneGroup) -> list[str]:
    """The lanes that requests would enter by the one rule, and do not because of the other."""
    unharmed = _unharmed(survey, meeting.winner, group)
    targets = meeting.loser.route.choices[0].lanes
    return [
        name
        for name in dict.fromkeys(lane.name for lane, _ in meeting.loser.rules)
        if name not in unharmed
        and name in targets
        and targets[name].chain[:1] == (name,)
        and meeting.port.taker(_naming(meeting, group, name)) is meeting.winner
    ]


def _unharmed(survey: Survey, winner: IngressRoute, group: LaneGroup) -> set[str]:
    """The lanes that the route knows, or whose requests get from it what they would have anyway."""
    lanes = {lane.name for lane, _ in winner.rules}
    baseline = survey.mesh.baseline(group)
    if not winner.not_found:
        if baseline is not None and baseline.name in lanes:
            # A rule of the baseline is for all lanes that lack the service it leads to.
            service = winner.route.default.service.name
            others = survey.mesh.lanes_by_group[group.name]
            lanes.update(lane.name for lane in others if service not in lane.services)
        lanes.update(winner.route.default.chain)  # a service's own baseline answers by default
    if baseline is not None:
        lanes.add(baseline.name)  # its requests are told with those that name no lane
    return lanes


def _is_another_way(survey: Survey, meeting: Meeting, group: LaneGroup) -> bool:
    """Whether who names no lane is led to another service than the baseline's rule leads to."""
    baseline = survey.mesh.baseline(group)
    won, lost = ({lane.name for lane, _ in r.rules} for r in (meeting.winner, meeting.loser))
    if baseline is None or baseline.name in won or baseline.name not in lost:
        return False
    ours, theirs = meeting.winner.route.default, meeting.loser.route.default
    same = (ours.service, ours.port) == (theirs.service, theirs.port)
    named = group.route_header.lower() in meeting.request.header_lines
    weighted = meeting.winner.split is not None or meeting.loser.split is not None
    return not (same or named or weighted or meeting.winner.not_found)


def _naming(meeting: Meeting, group: LaneGroup, lane: str) -> Request:
    request = meeting.request
    return replace(request, headers={**request.headers, group.route_header.lower(): lane})


def _finding(
    survey: Survey, meeting: Meeting, group: LaneGroup, whose: str, request: Request
) -> Finding:
    winner = meeting.winner
    lanes = dict.fromkeys(lane.name for lane, _ in winner.rules)
    own = f"headers: {{{group.route_header}: {{exact: {next(iter(lanes))}}}}}"
    taker = f"{rule_of(winner)}, {describe(winner)},"
    return about(
        Code.DIVERTING_RULE,
        winner,
        f"{taker} takes {whose}, too, before {rule_of(meeting.loser)}",
        f"give the other lanes that rule as well, or have it ask for its own requests: {own}",
        tried(survey, meeting.port, request).example(),
    )
