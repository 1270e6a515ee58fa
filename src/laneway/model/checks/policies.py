"""Policies of lanes: fallbacks that end, strictness that can be kept, weights that add up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding, Path, Severity
from laneway.model.keys import key_of
from laneway.model.lanes import Lane, LaneGroup, Mode, Unmatched
from laneway.model.meshes import Mesh
from laneway.model.rule_conditions import Condition, conditions_of
from laneway.model.suggestions import listing, suggestion


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    if gaps.may_hold("Lane"):
        return  # what seems unknown, or too little, may stand in what was not read
    for group in mesh.groups:
        lanes = {lane.name: lane for lane in mesh.lanes_by_group[group.name]}
        for lane in lanes.values():
            yield from _fallback(group, lane, lanes)
        yield from _cycles(lanes)
        yield from _service_baselines(group, lanes)
        yield from _weights(mesh, group, lanes)


def _fallback(group: LaneGroup, lane: Lane, lanes: Mapping[str, Lane]) -> Iterator[Finding]:
    before: set[str] = set()
    if lane.fallback and (lane.mode or group.mode) is Mode.STRICT:
        yield Finding(
            Code.STRICT_FALLBACK,
            f"lane {lane.name} is strict: it never falls back",
            "remove its fallback, or give it mode: permissive",
            key_of(lane),
            ("spec", "fallback"),
        )
    for index, name in enumerate(lane.fallback):
        path: Path = ("spec", "fallback", index)
        if name not in lanes:
            message = f"lane group {group.name} has no lane {name}"
            fix = suggestion(name, lanes, f"its lanes: {listing(lanes)}")
            yield Finding(Code.UNKNOWN_FALLBACK, message, fix, key_of(lane), path)
        elif name in before:
            message = f"lane {name} is already tried"
            yield Finding(Code.NO_EFFECT, message, "remove it", key_of(lane), path, _WARNING)
        before.add(name)


def _cycles(lanes: Mapping[str, Lane]) -> Iterator[Finding]:
    """Each cycle once, reported where it closes.

    A walk in depth, without recursion: a chain of fallbacks may be longer than Python's stack.
    """
    done: set[str] = set()
    for start in lanes:
        path: dict[str, Iterator[tuple[int, str]]] = {}
        if start not in done:
            path[start] = enumerate(lanes[start].fallback)
        while path:
            name = next(reversed(path))
            index, following = next(path[name], (0, ""))
            if not following:
                done.add(name)
                del path[name]
            elif following in path:
                yield _cycle(lanes[name], index, list(path))
            elif following not in done and following in lanes:
                path[following] = enumerate(lanes[following].fallback)


def _cycle(lane: Lane, index: int, path: list[str]) -> Finding:
    following = lane.fallback[index]
    cycle = " -> ".join((*path[path.index(following) :], following))
    return Finding(
        Code.FALLBACK_CYCLE,
        f"lanes fall back to one another: {cycle}",
        "decide which of them comes first, and remove the way back",
        key_of(lane),
        ("spec", "fallback", index),
    )


def _service_baselines(group: LaneGroup, lanes: Mapping[str, Lane]) -> Iterator[Finding]:
    for service, name in group.service_baselines.items():
        path: Path = ("spec", "serviceBaselines", str(service))
        key = key_of(group)
        if service not in group.services:
            known = [str(known) for known in group.services]
            message = f"Service {service} is not in lane group {group.name}"
            fix = suggestion(str(service), known, f"its services: {listing(known)}")
            yield Finding(Code.SERVICE_NOT_IN_GROUP, message, fix, key, path)
        elif name not in lanes:
            message = f"lane group {group.name} has no lane {name}"
            fix = suggestion(name, list(lanes), f"its lanes: {listing(list(lanes))}")
            yield Finding(Code.UNKNOWN_BASELINE, message, fix, key, path)
        elif service not in lanes[name].services:
            message = f"lane {name}, the baseline of {service}, lacks it"
            fix = "add the service to the lane, or name another lane"
            yield Finding(Code.BASELINE_LACKS_SERVICE, message, fix, key, path)


def _weights(mesh: Mesh, group: LaneGroup, lanes: Mapping[str, Lane]) -> Iterator[Finding]:
    weighted = [lane for lane in lanes.values() if lane.weight]
    baseline = mesh.baseline(group)
    for lane in weighted:
        path: Path = ("spec", "weight")
        if not any(rule.online for rule in lane.ingress):
            message = f"no request enters lane {lane.name} by weight: it has no ingress rule"
            fix = "add an ingress rule to it, or to its group"
            yield Finding(Code.NO_EFFECT, message, fix, key_of(lane), path, _WARNING)
        elif lane is baseline:
            message = f"lane {lane.name} is the baseline, and gets all other requests anyway"
            yield Finding(Code.NO_EFFECT, message, "remove it", key_of(lane), path, _WARNING)
        elif baseline is not None and not set(_online(lane)) & set(_online(baseline)):
            message = (
                f"no request enters lane {lane.name} by weight: lane {baseline.name}, the "
                "baseline, has none of its rules"
            )
            fix = "add the same rule to both, so that they share its requests"
            yield Finding(Code.NO_EFFECT, message, fix, key_of(lane), path, _WARNING)
    yield from _excess(weighted, baseline)
    rules = [rule for lane in lanes.values() for rule in lane.ingress if rule.enter]
    if group.sticky and not weighted and all(rule.weight == 100 for rule in rules):
        message = "no lane of the group has a weight, so there is nothing to keep users in"
        fix = "give lanes weights, or remove it"
        yield Finding(Code.NO_EFFECT, message, fix, key_of(group), ("spec", "sticky"), _WARNING)
    if weighted and group.unmatched is Unmatched.NOT_FOUND:
        message = "a request without a lane gets one by weight, and is not answered 404"
        fix = "only a request that names an unknown lane is still answered 404"
        yield Finding(Code.NO_EFFECT, message, fix, key_of(group), ("spec", "unmatched"), _WARNING)


def _excess(weighted: list[Lane], baseline: Lane | None) -> Iterator[Finding]:
    """The lanes that share a condition with the baseline take at most 100 % of it."""
    shared = None if baseline is None else _online(baseline)
    sums: dict[Condition, int] = {}
    reported: set[str] = set()
    for lane in weighted:
        if lane is baseline:
            continue
        for condition in _online(lane):
            if shared is not None and condition not in shared:
                continue
            sums[condition] = total = sums.get(condition, 0) + lane.weight
            if total > 100 and lane.name not in reported:
                reported.add(lane.name)
                yield Finding(
                    Code.WEIGHTS_EXCEED_100,
                    f"with lane {lane.name} the weights of one condition add up to {total}",
                    "they are percentages: the rest up to 100 goes to the baseline",
                    key_of(lane),
                    ("spec", "weight"),
                )


def _online(lane: Lane) -> dict[Condition, None]:
    """What its rules ask for, in order."""
    return {c: None for rule in lane.ingress if rule.online for c in conditions_of(rule)}


_WARNING = Severity.WARNING
