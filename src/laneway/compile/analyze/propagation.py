"""Lanes on their way through applications: where a lane is lost, or mistaken for another one.

The calls of applications are read from their environment, and the headers that they pass on from
their groups. So these findings are about calls that the mesh itself declares.
"""

from __future__ import annotations

from collections.abc import Iterator

from laneway.compile.analyze.codes import Code
from laneway.compile.analyze.reachability import Survey
from laneway.compile.analyze.simulated_requests import Trial, trials
from laneway.compile.simulate import Hop, Why
from laneway.model.findings import Finding, Severity
from laneway.model.keys import key_of
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.names import ObjectName


def check(survey: Survey) -> Iterator[Finding]:
    for group in survey.mesh.groups:
        baseline = survey.mesh.baseline(group)
        lost: set[ObjectName] = set()
        shared: set[str] = set()
        for lane in survey.mesh.lanes_by_group[group.name]:
            if lane is baseline:
                continue
            for trial in trials(survey, lane):
                yield from _lost(survey, group, lane, trial, lost)
                yield from _taken(survey, group, lane, trial, shared)


def _lost(
    survey: Survey, group: LaneGroup, lane: Lane, trial: Trial, reported: set[ObjectName]
) -> Iterator[Finding]:
    """Hops that should be in the lane, but whose caller did not know the lane."""
    for hop in trial.outcome.hops[1:]:
        service = hop.service
        if service in reported or hop.intended == lane.name or service not in lane.services:
            continue
        if any(reason.why is Why.PAST_SIDECAR for reason in hop.reasons):
            continue  # ``sidecar_bypasses`` reports it, also where the lane is kept by chance
        if any(reason.why is Why.CALLER for reason in hop.reasons):
            continue  # the caller's own lane decides, and the request entered by another lane
        if survey.mesh.groups_by_service.get(service) is not group or hop.served == lane.name:
            continue
        reported.add(service)
        yield Finding(
            Code.LANE_LOST,
            f"requests of lane {lane.name} lose it before {service}, which the lane has: "
            f"{_loser(survey, group, hop)}",
            _remedy(survey, group, hop),
            key_of(group),
            ("spec", "services"),
            Severity.WARNING,
            example=trial.example(),
        )


def _loser(survey: Survey, group: LaneGroup, hop: Hop) -> str:
    caller = hop.caller
    assert caller is not None, "only a gateway's request has no caller"
    owner = survey.mesh.groups_by_service.get(caller)
    if owner is None:
        return f"{caller} calls it, which is in no lane group and has no lane to hand on"
    if owner is not group:
        return f"{caller} calls it, which is in lane group {owner.name} and hands on that one's"
    return f"{caller} calls it, and did not get the lane itself"


def _remedy(survey: Survey, group: LaneGroup, hop: Hop) -> str:
    if hop.caller is not None and survey.mesh.groups_by_service.get(hop.caller) is None:
        return f"add {hop.caller} to lane group {group.name} (its lanes need not contain it)"
    return f"let applications pass on {group.route_header} itself: make it the trace header"


def _taken(
    survey: Survey, group: LaneGroup, lane: Lane, trial: Trial, reported: set[str]
) -> Iterator[Finding]:
    """Hops in a lane of another group that has the same name as this lane."""
    for hop in trial.outcome.hops[1:]:
        other = survey.mesh.groups_by_service.get(hop.service)
        if other is None or other is group or other.name in reported:
            continue
        baseline = survey.mesh.baseline(other)
        if hop.served != lane.name or (baseline is not None and baseline.name == lane.name):
            continue
        reported.add(other.name)
        yield Finding(
            Code.SHARED_ROUTE_HEADER,
            f"requests of lane {lane.name} of group {group.name} enter lane {lane.name} of group "
            f"{other.name}, too: both groups name lanes in {group.route_header}",
            "if they should not be one lane, use another route header in one group, or another "
            "name for the lane",
            key_of(other),
            ("spec", "routeHeader"),
            Severity.WARNING,
            example=trial.example(),
        )
