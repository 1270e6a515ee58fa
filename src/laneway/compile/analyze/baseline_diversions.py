"""Rules of the baseline that take requests which a lane expects to get by another rule.

A rule of the baseline takes all requests that meet its conditions, whatever lane they name, unless
an earlier rule takes them. A lane without the same rule loses these requests to the baseline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from laneway.compile.analyze.codes import Code
from laneway.compile.analyze.overlapping_rules import Meeting, meetings
from laneway.compile.analyze.reachability import Survey
from laneway.compile.analyze.rule_locations import about, rule_of
from laneway.compile.analyze.simulated_requests import tried
from laneway.compile.ir import IngressRoute
from laneway.compile.simulate import Request
from laneway.compile.simulate.gateways import describe
from laneway.model.findings import Finding
from laneway.model.lanes import LaneGroup
from laneway.model.suggestions import listing


def check(survey: Survey) -> Iterator[Finding]:
    reported: set[int] = set()
    for meeting in meetings(survey, _may_divert):
        if id(meeting.winner) in reported:
            continue
        group = survey.group(meeting.winner.groups[0])
        if lanes := _diverted(survey, meeting, group):
            reported.add(id(meeting.winner))
            yield _finding(survey, meeting, group, lanes)


def _may_divert(winner: IngressRoute, loser: IngressRoute) -> bool:
    """Whether both belong to one group, and ``loser`` has lanes that ``winner`` lacks."""
    if winner.named is not None or winner.groups != loser.groups:
        return False
    if winner.entered is not None or loser.entered is not None:
        return False  # these rules choose the lane themselves
    lanes = {lane.name for lane, _ in winner.rules}
    return any(lane.name not in lanes for lane, _ in loser.rules)


def _diverted(survey: Survey, meeting: Meeting, group: LaneGroup) -> list[str]:
    """The lanes that requests would enter by the later rule, and do not because of the first."""
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
    """The lanes that the route distinguishes, and those whose requests it serves as they expect."""
    lanes = {lane.name for lane, _ in winner.rules}
    if not winner.not_found:
        # A lane without the service is served by the baseline anyway.
        service = winner.route.default.service.name
        others = survey.mesh.lanes_by_group[group.name]
        lanes.update(lane.name for lane in others if service not in lane.services)
        lanes.update(winner.route.default.chain)  # a service's own baseline answers by default
    return lanes


def _naming(meeting: Meeting, group: LaneGroup, lane: str) -> Request:
    request = meeting.request
    return replace(request, headers={**request.headers, group.route_header.lower(): lane})


def _finding(survey: Survey, meeting: Meeting, group: LaneGroup, lanes: list[str]) -> Finding:
    winner, whose = meeting.winner, listing(lanes, 4)
    return about(
        Code.DIVERTING_RULE,
        winner,
        f"{rule_of(winner)}, {describe(winner)}, takes requests that name lane {whose}, too, "
        f"before {rule_of(meeting.loser)}",
        f"add that rule to lane {whose} as well",
        tried(survey, meeting.port, _naming(meeting, group, lanes[0])).example(),
    )
