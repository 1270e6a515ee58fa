"""Lanes that no request can enter.

A request that names a lane may take any route of the lane's group. So a lane without a rule still
gets requests when other services call its services; but it gets none at the entry, and none at all
if it contains only entry services. What applications call is not certain, so each application is
assumed to call all services of its group.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from laneway.compile.analyze.codes import Code
from laneway.compile.analyze.reachability import Entry, Port, Survey
from laneway.compile.analyze.simulated_requests import Trial, naming, tried
from laneway.compile.analyze.unreachable_rules import dead
from laneway.compile.ir import Target
from laneway.compile.simulate import Request
from laneway.compile.simulate.lane_choices import choose
from laneway.model.findings import Finding, Path, Severity
from laneway.model.keys import key_of
from laneway.model.lanes import Lane, LaneGroup, Mode, Unmatched


def check(survey: Survey) -> Iterator[Finding]:
    for group in survey.mesh.groups:
        if group.gateway not in survey.routes.gateways:
            continue  # a group of internal services, called by services of other groups
        entries = _entries(survey, group)
        reached = survey.reached_of[group.name]
        if all(dead(survey, some) for some in entries):
            yield from _no_entry(survey, group)
            continue
        yield from _baseline(survey, group)
        if len(reached) == sum(not dead(survey, some) for some in entries):
            yield from _lanes(survey, group)
        # Otherwise there is a rule whose requests are not known.


def _entries(survey: Survey, group: LaneGroup) -> list[tuple[Entry, ...]]:
    return [some for some in survey.entries if group.name in some[0].route.groups]


def _no_entry(survey: Survey, group: LaneGroup) -> Iterator[Finding]:
    port = next((port for port in survey.ports if port.gateway == group.gateway), None)
    if port is None:
        return
    has_rules = any(lane.ingress for lane in survey.mesh.lanes_by_group[group.name])
    what = "none of its lanes' rules takes a request" if has_rules else "its lanes have no rule"
    yield Finding(
        Code.GROUP_WITHOUT_RULES,
        f"no request enters lane group {group.name} at gateway {group.gateway}: {what}",
        "add an ingress rule to the group, or remove its gateway if only others call its services",
        key_of(group),
        ("spec", "gateway"),
        Severity.WARNING,
        example=tried(survey, port, Request()).example(),
    )


def _baseline(survey: Survey, group: LaneGroup) -> Iterator[Finding]:
    """The baseline has no rule, so requests that name no lane enter nowhere.

    Not reported if such requests are meant to be refused, or if rules enter a lane without choice.
    """
    baseline = survey.mesh.baseline(group)
    if baseline is None or any(rule.online for rule in baseline.ingress):
        return
    if any(reached.route.entered for reached in survey.reached_of[group.name]):
        return
    if group.unmatched is not Unmatched.BASELINE:
        return
    for trial in _without_lane(survey, group):
        yield Finding(
            Code.BASELINE_WITHOUT_RULE,
            f"lane {baseline.name} is the baseline of group {group.name} and has no rule: the "
            "rules of other lanes only take requests that name these lanes",
            "add the rule by which requests without a lane enter",
            key_of(baseline),
            ("spec", "ingress"),
            Severity.WARNING,
            example=trial.example(),
        )


def _without_lane(survey: Survey, group: LaneGroup) -> Iterator[Trial]:
    """A request that meets a rule of some lane, but neither names a lane nor enters one."""
    header = group.route_header.lower()
    for reached in survey.reached_of[group.name]:
        headers = {n: v for n, v in reached.request.headers.items() if n.lower() != header}
        request = replace(reached.request, headers=headers)
        trial = tried(survey, reached.entry.port, request)
        if not trial.enters_by_rule:
            yield trial
            return


def _lanes(survey: Survey, group: LaneGroup) -> Iterator[Finding]:
    lanes = survey.mesh.lanes_by_group[group.name]
    baseline = survey.mesh.baseline(group)
    # Other lanes fall back to these, so they need no rule.
    stand_ins = {name for lane in lanes for name in lane.fallback}
    stand_ins.update(group.service_baselines.values())
    for lane in lanes:
        if lane is not baseline and lane.name not in stand_ins:
            yield from _lane(survey, group, lane)


_Attempt = tuple[Port, Request]


@dataclass(slots=True)
class _Access:
    """What requests that name the lane can reach, collected until one enters it."""

    entered: bool = False
    deeper: bool = False
    passed_by: _Attempt | None = None
    first: _Attempt | None = None


def _lane(survey: Survey, group: LaneGroup, lane: Lane) -> Iterator[Finding]:
    access = _access(survey, group, lane)
    if access.entered or access.first is None:
        return
    rules: Path = ("spec", "ingress")
    if not access.deeper:
        yield Finding(
            Code.UNREACHABLE_LANE,
            f"no request gets into lane {lane.name}: {_why(group, lane)}",
            "add an ingress rule, or a service that others call",
            key_of(lane),
            rules,
            Severity.WARNING,
            example=tried(survey, *access.first).example(),
        )
    elif access.passed_by is not None:
        strict = (lane.mode or group.mode) is Mode.STRICT
        leaves = ", and so leaves a strict lane at once" if strict else ""
        yield Finding(
            Code.LANE_WITHOUT_RULE,
            f"lane {lane.name} has no rule by which requests enter it, so the baseline answers at "
            f"the entry although the lane has that service{leaves}",
            "add the ingress rule that the other lanes have",
            key_of(lane),
            rules,
            Severity.WARNING,
            example=tried(survey, *access.passed_by).example(),
        )


def _access(survey: Survey, group: LaneGroup, lane: Lane) -> _Access:
    access = _Access()
    for reached in survey.reached_by(lane):
        port, request = reached.entry.port, naming(survey, reached, lane)
        split = reached.route.split
        shares = split.shares if split is not None else ()
        if any(share.lane == lane.name and _is_in(lane, share.target) for share in shares):
            access.entered = True
        access.entered |= reached.route.entered is not None  # ``reached_by`` has only its own
        if access.entered:
            break
        route = port.taker(request)
        access.first = access.first or (port, request)
        if route is None or group.name not in route.groups:
            continue
        headers = {name: ",".join(values) for name, values in request.header_lines.items()}
        choice = choose(survey.mesh, route.route, headers)
        if route.not_found and choice.by_default:
            continue
        if choice.intended == lane.name and not choice.by_default and _is_in(lane, choice.target):
            access.entered = True
        destination = choice.target.service.name
        access.deeper |= any(service != destination for service in lane.services)
        if choice.by_default and destination in lane.services:
            access.passed_by = access.passed_by or (port, request)
    return access


def _is_in(lane: Lane, target: Target) -> bool:
    return target.chain[:1] == (lane.name,)


def _why(group: LaneGroup, lane: Lane) -> str:
    if any(rule.online for rule in lane.ingress):
        return "it lacks the services that its rules lead to, and others call none of its own"
    return f"it has no rule, and lane group {group.name} has none that leads on to its services"
