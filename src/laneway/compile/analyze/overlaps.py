"""Requests that meet rules of two groups: which of them takes them.

A rule that is wholly inside a wider one takes its part of it, as precedence is for: a note. Rules
that only cross, or say the same, are a warning: who reads one of them cannot tell who answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from laneway.compile.analyze.codes import Code
from laneway.compile.analyze.rules import about, contains, groups_of, rule_of
from laneway.compile.analyze.surveys import Port, Reached, Survey
from laneway.compile.analyze.trials import tried
from laneway.compile.analyze.witnesses import witnesses
from laneway.compile.ir import IngressRoute, VirtualHost
from laneway.compile.simulate import Request
from laneway.compile.simulate.gateways import describe
from laneway.model.findings import Finding, Severity


def check(survey: Survey) -> Iterator[Finding]:
    for reached in survey.reached:
        if len(groups_of(reached.route)) > 1:
            yield _same(survey, reached)
    notes: dict[tuple[tuple[str, ...], ...], list[Finding]] = {}
    for overlap in _overlaps(survey):
        finding = _finding(survey, overlap)
        if finding.severity is Severity.NOTE:
            pair = groups_of(overlap.winner), groups_of(overlap.loser)
            notes.setdefault(pair, []).append(finding)
        else:
            yield finding
    for alike in notes.values():
        more = f"; so it is with {len(alike) - 1} more of their rules" if len(alike) > 1 else ""
        yield replace(alike[0], message=alike[0].message + more)


@dataclass(frozen=True, slots=True)
class _Overlap:
    """``request`` meets both; ``winner`` takes it."""

    winner: IngressRoute
    loser: IngressRoute
    port: Port
    request: Request


def _overlaps(survey: Survey) -> Iterator[_Overlap]:
    """Each pair of routes once. What is wholly taken by others is not told here."""
    alive = {id(reached.route) for reached in survey.reached}
    seen: set[tuple[int, int]] = set()
    for port in survey.ports:
        for host in port.hosts:
            for winner, loser in _pairs(host):
                pair = id(winner), id(loser)
                if pair in seen or not alive.issuperset(pair):
                    continue
                several = witnesses(host, [winner, loser], port.hosts)
                request = next((r for r in several if port.taker(r) is winner), None)
                if request is not None:
                    seen.add(pair)
                    yield _Overlap(winner, loser, port, request)


def _pairs(host: VirtualHost) -> Iterator[tuple[IngressRoute, IngressRoute]]:
    """Routes of different groups; the first precedes."""
    groups = [frozenset(groups_of(route)) for route in host.routes]
    if len(frozenset().union(*groups)) < 2:
        return
    for (one, first), (other, second) in combinations(zip(groups, host.routes, strict=True), 2):
        if not other <= one:
            yield first, second


def _finding(survey: Survey, overlap: _Overlap) -> Finding:
    winner, loser = overlap.winner, overlap.loser
    group = next(g for g in groups_of(loser) if g not in groups_of(winner))
    example = tried(survey, overlap.port, overlap.request).example()
    taker = f"{rule_of(winner)} of group {groups_of(winner)[0]}, {describe(winner)},"
    if contains(loser, winner):
        message = f"{taker} takes its part of {rule_of(loser, group)}: it asks for more"
        fix = "as precedence has it; nothing to do if it is meant so"
        severity = Severity.NOTE
    else:
        message = f"{taker} takes what both it and {rule_of(loser, group)} ask for: it precedes"
        fix = "give the groups hosts or paths of their own, or put one rule inside the other"
        severity = Severity.WARNING
    return about(Code.OVERLAPPING_RULES, loser, message, fix, example, severity, group)


def _same(survey: Survey, reached: Reached) -> Finding:
    """One condition of several groups: they share one route, which tells lanes by their names."""
    route = reached.route
    first, *others = groups_of(route)
    who = f"groups {first} and {' and '.join(others)} ask for the same: {describe(route)}"
    headers = dict.fromkeys(choice.header for choice in route.route.choices)
    fate = "refused, as that one says" if route.not_found else "served by that one"
    message = f"{who}; group {first} precedes: what names no lane of either is {fate}"
    example = tried(survey, reached.entry.port, reached.request).example()
    fix = f"give them hosts or paths of their own, or name a lane in {' or '.join(headers)}"
    return about(Code.OVERLAPPING_RULES, route, message, fix, example, group=others[0])
