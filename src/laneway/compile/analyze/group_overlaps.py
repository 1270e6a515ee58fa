"""Requests that meet rules of two lane groups, and which group gets them.

A rule that is narrower than another one takes precedence over it, which is intended: a note. Rules
that only intersect, or are equal, are a warning: from one rule alone one cannot tell who answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from laneway.compile.analyze.codes import Code
from laneway.compile.analyze.overlapping_rules import Meeting, meetings
from laneway.compile.analyze.reachability import Reached, Survey
from laneway.compile.analyze.rule_locations import about, contains, rule_of
from laneway.compile.analyze.simulated_requests import tried
from laneway.compile.ir import IngressRoute
from laneway.compile.simulate.gateways import describe
from laneway.model.findings import Finding, Severity


def check(survey: Survey) -> Iterator[Finding]:
    for reached in survey.reached:
        if len(reached.route.groups) > 1:
            yield _same(survey, reached)
    found: dict[tuple[object, ...], list[Finding]] = {}
    for overlap in meetings(survey, _of_several_groups):
        finding = _finding(survey, overlap)
        pair = overlap.winner.groups, overlap.loser.groups, finding.severity
        found.setdefault(pair, []).append(finding)
    for alike in found.values():
        more = f"; so it is with {len(alike) - 1} more of their rules" if len(alike) > 1 else ""
        yield replace(alike[0], message=alike[0].message + more)


def _of_several_groups(winner: IngressRoute, loser: IngressRoute) -> bool:
    return not set(loser.groups) <= set(winner.groups)


def _finding(survey: Survey, overlap: Meeting) -> Finding:
    winner, loser = overlap.winner, overlap.loser
    group = next(g for g in loser.groups if g not in winner.groups)
    example = tried(survey, overlap.port, overlap.request).example()
    taker = f"{rule_of(winner)} of group {winner.groups[0]}, {describe(winner)},"
    if contains(loser, winner):
        message = f"{taker} takes its part of {rule_of(loser, group)}: it is more specific"
        fix = "this is the rule of precedence; nothing to do if it is what you want"
        severity = Severity.NOTE
    else:
        message = f"{taker} takes requests that {rule_of(loser, group)} also matches: it precedes"
        fix = "give each group its own hosts or paths, or make one rule part of the other"
        severity = Severity.WARNING
    return about(Code.OVERLAPPING_RULES, loser, message, fix, example, severity, group)


def _same(survey: Survey, reached: Reached) -> Finding:
    """Several groups state the same condition and share a route, which chooses lanes by name."""
    route = reached.route
    first, *others = route.groups
    who = f"groups {first} and {' and '.join(others)} ask for the same: {describe(route)}"
    headers = dict.fromkeys(choice.header for choice in route.route.choices)
    fate = "refused, as that one says" if route.not_found else "served by that one"
    message = f"{who}; group {first} precedes: what names no lane of either is {fate}"
    weighted = dict.fromkeys(lane.group for lane, _ in route.rules if lane.weight)
    if len(weighted) > 1:
        message += f", and of weights only those of group {next(iter(weighted))} count"
    example = tried(survey, reached.entry.port, reached.request).example()
    fix = f"give each its own hosts or paths, or name a lane in {' or '.join(headers)}"
    return about(Code.OVERLAPPING_RULES, route, message, fix, example, group=others[0])
