"""Rules by which requests enter a lane: overlapping ones, and ones that no request meets.

If a request meets two ``enter`` rules, the more specific one chooses the lane: a note. If they are
equally specific, an arbitrary order decides, which is never intended: a warning. A lane's rule
without ``enter`` applies only to requests that name the lane, which is easily overlooked: a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from laneway.compile.analyze.codes import Code
from laneway.compile.analyze.entering_requests import as_route
from laneway.compile.analyze.reachability import Port, Survey
from laneway.compile.analyze.request_synthesis import witnesses
from laneway.compile.analyze.rule_locations import about, contains, rule_of
from laneway.compile.analyze.simulated_requests import tried
from laneway.compile.ingress_precedence import precedence
from laneway.compile.ir import EntryRule, VirtualHost
from laneway.compile.simulate import Request
from laneway.compile.simulate.gateways import describe
from laneway.model.findings import Finding, Severity
from laneway.model.hosts import host_covers
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.suggestions import listing


def check(survey: Survey) -> Iterator[Finding]:
    reported: set[tuple[int, int]] = set()
    for port in survey.ports:
        for host in port.hosts:
            for first, second in combinations(host.entries, 2):
                pair = id(first), id(second)
                if pair not in reported and _may_meet(first, second):
                    found = list(_meeting(survey, port, host, first, second))
                    if found:
                        reported.add(pair)
                    yield from found
    yield from _for_named_only(survey)


def _may_meet(one: EntryRule, other: EntryRule) -> bool:
    """Whether a request may meet both. Must be cheap, because there may be many similar rules."""
    return (
        {lane.name for lane, _ in one.rules} != {lane.name for lane, _ in other.rules}
        and not _apart({"": one.uri}, {"": other.uri})
        and not _apart(one.headers, other.headers)
        and not _apart(one.query, other.query)
    )


def _apart(
    ones: Mapping[str, StringMatch | None], others: Mapping[str, StringMatch | None]
) -> bool:
    return any(
        match is not None
        and (other := others.get(name)) is not None
        and match.kind is other.kind is MatchKind.EXACT
        and match.value != other.value
        for name, match in ones.items()
    )


def _meeting(
    survey: Survey, port: Port, host: VirtualHost, first: EntryRule, second: EntryRule
) -> Iterator[Finding]:
    """``first`` takes precedence."""
    winner, loser = as_route(first), as_route(second)
    several = (tried(survey, port, one) for one in witnesses(host, [winner, loser], port.hosts))
    trial = next((one for one in several if one.enters_by_rule), None)
    if trial is None:
        return
    example = trial.example()
    of = f"{rule_of(winner)}, {describe(winner)}"
    same_header = first.split.header.lower() == second.split.header.lower()
    covered = host_covers(first.host, second.host) and contains(winner, loser)
    if same_header and covered:
        yield about(
            Code.SHADOWED_ENTER_RULE,
            loser,
            f"no request enters by {rule_of(loser)} unless it names the lane: {of}, takes "
            "precedence for all of them",
            "add a condition that the other rule does not have, or give both the same conditions "
            "and weights",
            example,
        )
    elif precedence(first) == precedence(second):
        yield about(
            Code.OVERLAPPING_ENTER_RULES,
            loser,
            f"requests that meet both {of}, and {rule_of(loser)} enter by the former, and neither "
            "is more specific: only alphabetical order decides",
            "add conditions to the rule that should decide, or use other values",
            example,
        )
    else:
        yield about(
            Code.OVERLAPPING_ENTER_RULES,
            loser,
            f"requests that meet both {of}, and {rule_of(loser)} enter by the former: it is more "
            "specific",
            "this is the rule of precedence; nothing to do if it is what you want",
            example,
            Severity.NOTE,
        )


def _for_named_only(survey: Survey) -> Iterator[Finding]:
    """A finding about the first rule of each lane that has no ``enter`` rule."""
    reported: set[tuple[str, str]] = set()
    for reached in survey.reached:
        named = reached.route.named
        if named is None or named.header.lower() in reached.route.headers:
            continue  # it is for all requests, or has a condition on the lane
        baseline = survey.mesh.baseline(survey.group(reached.route.groups[0]))
        if baseline is None or not any(rule.online for rule in baseline.ingress):
            continue  # BASELINE_WITHOUT_RULE reports this for the whole group
        lanes = [lane for lane, _ in reached.route.rules if not any(r.enter for r in lane.ingress)]
        new = [lane for lane in lanes if (lane.group, lane.name) not in reported]
        if not new:
            continue
        header = named.header.lower()
        others = {n: v for n, v in reached.request.headers.items() if n.lower() != header}
        request = Request(
            reached.request.host, reached.request.path, reached.request.method, others
        )
        trial = tried(survey, reached.entry.port, request)
        if trial.outcome.hops and trial.outcome.hops[0].intended is not None:
            continue  # a weight or another rule gives the request a lane
        reported.update((lane.group, lane.name) for lane in new)
        yield about(
            Code.NAMED_REQUESTS_ONLY,
            reached.route,
            f"{rule_of(reached.route)}, {describe(reached.route)}, takes only requests that name "
            f"{listing([lane.name for lane in new], 4)}: a request that meets its other conditions "
            f"but has no {named.header} does not get there",
            "add enter: true to the rule if such requests should enter the lane",
            trial.example(),
            Severity.NOTE,
        )
