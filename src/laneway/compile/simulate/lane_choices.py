"""Simulates the choice of a lane: the route's header choices, with the reason in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

from laneway.compile.ir import ByCaller, LaneChoice, Route, Share, Split, Target
from laneway.compile.simulate.inactive_lanes import InactiveLane, InactiveLanes
from laneway.compile.simulate.outcomes import Reason, Why
from laneway.compile.simulate.phrases import Phrase, reason
from laneway.model.caller_rules import CallerRule
from laneway.model.callers import CallerLane
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

_NONE = InactiveLanes()


@dataclass(frozen=True, slots=True)
class Choice:
    """``intended`` is the lane that the request named, which need not exist.

    ``by_default``: no header named a lane of its group, so the default target was chosen.
    """

    target: Target
    intended: str | None
    reasons: tuple[Reason, ...]
    by_default: bool = True


def choose(
    mesh: Mesh,
    route: Route,
    headers: Mapping[str, str],
    with_rule: Collection[str] | None = None,
    inactive: InactiveLanes = _NONE,
) -> Choice:
    """The target of the first choice whose header names one of its lanes, else the default.

    ``headers`` have lower-case names. ``with_rule``, at a gateway, are the lanes that have a rule
    for the request. ``inactive`` are declared, and not in the mesh.
    """
    named = [(c, lane) for c in route.choices if (lane := headers.get(c.header.lower()))]
    for choice, lane in named:
        if lane in choice.lanes:
            return _chosen(choice, lane)
    service = route.default.service.name
    if not route.choices:
        alone = reason(Why.NO_GROUP, Phrase.SERVICE_IN_NO_GROUP, service=service)
        return Choice(route.default, None, (alone,))
    if not named:
        header = " or ".join(choice.header for choice in route.choices)
        unnamed = reason(Why.NO_LANE, Phrase.NO_HEADER, header=header)
        return Choice(route.default, None, (unnamed,))
    choice, lane = named[0]
    if absent := inactive.by_name.get((choice.group, lane)):
        cause = absent.reason
    else:
        cause = _cause(mesh.lanes_by_group[choice.group], choice.group, lane, service, with_rule)
    return Choice(route.default, lane, (_header(choice, lane), cause))


def by_caller(
    mesh: Mesh, route: Route, headers: Mapping[str, str], callers: Iterable[CallerLane]
) -> tuple[Choice, LaneChoice, ByCaller] | None:
    """The target in the caller's lane if the call belongs to that lane, otherwise ``None``."""
    for caller in callers:
        for choice in route.choices:
            for rule in route.by_caller:
                names_one = bool(headers.get(choice.header.lower()))
                applies = rule.rule is CallerRule.ALWAYS or not names_one
                if (caller.group, caller.rule) == (choice.group, rule.rule) and applies:
                    return _of_caller(mesh, route, choice, caller), choice, rule
    return None


def _of_caller(mesh: Mesh, route: Route, choice: LaneChoice, caller: CallerLane) -> Choice:
    if caller.rule is CallerRule.WITHOUT_LANE:
        said = Phrase.CALLER_WITHOUT_HEADER
        why = reason(Why.CALLER, said, lane=caller.lane, header=choice.header)
    else:
        why = reason(Why.CALLER, Phrase.CALLER_OF_LANE, lane=caller.lane)
    target = choice.lanes.get(caller.lane, route.default)
    if caller.lane in target.chain:
        return Choice(target, caller.lane, (why,), by_default=False)
    reasons = (why, _no_service(caller.lane, target.service.name))
    return Choice(target, caller.lane, reasons, by_default=caller.lane not in choice.lanes)


def weighted(
    split: Split, headers: Mapping[str, str], draw: int, inactive: InactiveLanes = _NONE
) -> Choice:
    """The lane, if any, that the gateway gives a request that names none; ``draw`` is its place in
    0..99."""
    share = drawn(split, draw)
    reasons = [
        names_nothing(each.header, value, inactive.naming(header, value))
        for each in split.exempt
        if (value := headers.get(header := each.header.lower())) is not None
    ]
    reasons.append(reason(Why.WEIGHT, Phrase.GIVEN_BY_WEIGHT, weights=in_words(split)))
    if not share.lane:
        reasons.append(reason(Why.NO_LANE, Phrase.GIVEN_NONE))
    elif share.lane not in share.target.chain:
        reasons.append(_no_service(share.lane, share.target.service.name))
    return Choice(share.target, share.lane or None, tuple(reasons))


def drawn(split: Split, draw: int) -> Share:
    ends = accumulate(share.weight for share in split.ranges)
    return next(s for s, end in zip(split.ranges, ends, strict=True) if draw < end)


def names_nothing(source: str, value: str, inactive: InactiveLane | None) -> Reason:
    if inactive is not None:
        said = Phrase.NAMES_INACTIVE_LANE
        return reason(Why.NAME_READ, said, source=source, value=value, reason=inactive.text)
    return reason(Why.NAME_READ, Phrase.NAMES_NO_LANE, source=source, value=value or "(empty)")


def in_words(split: Split) -> str:
    return ", ".join(f"{share.lane or 'no lane'} {share.weight}%" for share in split.shares)


def _chosen(choice: LaneChoice, lane: str) -> Choice:
    target = choice.lanes[lane]
    reasons = [_header(choice, lane)]
    if lane not in target.chain:
        reasons.append(_no_service(lane, target.service.name))
    return Choice(target, lane, tuple(reasons), by_default=False)


def _cause(
    lanes: Iterable[Lane],
    group: str,
    lane: str,
    service: ObjectName,
    with_rule: Collection[str] | None,
) -> Reason:
    if all(known.name != lane for known in lanes):
        return reason(Why.UNKNOWN_LANE, Phrase.GROUP_HAS_NO_LANE, group=group, lane=lane)
    if with_rule is not None and lane not in with_rule:
        return reason(Why.NO_RULE, Phrase.LANE_HAS_NO_RULE, lane=lane)
    return _no_service(lane, service)


def _header(choice: LaneChoice, lane: str) -> Reason:
    return reason(Why.HEADER, Phrase.HEADER_NAMES_LANE, header=choice.header, lane=lane)


def _no_service(lane: str, service: ObjectName) -> Reason:
    return reason(Why.NO_SERVICE, Phrase.LANE_HAS_NO_SERVICE, lane=lane, service=service)
