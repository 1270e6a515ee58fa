"""Ingress rules as analysis speaks of them: whose a route is, and where a finding about it goes."""

from __future__ import annotations

from laneway.compile.analyze.codes import Code
from laneway.compile.analyze.match_languages import implies
from laneway.compile.ir import IngressRoute, LaneNames
from laneway.model.examples import Example
from laneway.model.findings import Finding, Path, Severity
from laneway.model.keys import key_of
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.suggestions import listing


def rule_of(route: IngressRoute, group: str | None = None) -> str:
    """``rule r1 of lanes s1, s2``; of one ``group`` only."""
    rules = [(lane, rule) for lane, rule in route.rules if group in (None, lane.group)]
    lanes = list(dict.fromkeys(lane.name for lane, _ in rules))
    return f"rule {rules[0][1].name} of lane{'s' if len(lanes) > 1 else ''} {listing(lanes, 4)}"


def about(
    code: Code,
    route: IngressRoute,
    message: str,
    fix: str,
    example: Example,
    severity: Severity = Severity.WARNING,
    group: str | None = None,
) -> Finding:
    """A finding placed at the first of the rules (of ``group``) that the route comes from.

    A rule makes a route for each of its hosts: where it has several, the path leads to the one.
    """
    lane, rule = next(pair for pair in route.rules if group in (None, pair[0].group))
    path: Path = ("spec", "ingress", lane.ingress.index(rule))
    if len(rule.hosts) > 1:
        path += ("hosts", rule.hosts.index(route.host))
    return Finding(code, message, fix, key_of(lane), path, severity, example=example)


def contains(wide: IngressRoute, narrow: IngressRoute) -> bool:
    """Whether every request of ``narrow`` surely meets the conditions of ``wide``, too.

    The two stand at one virtual host, and ``narrow`` precedes: so its host lies inside the other's.
    """
    return (
        (not wide.methods or (bool(narrow.methods) and {*narrow.methods} <= {*wide.methods}))
        and implies(narrow.uri, wide.uri)
        and further_conditions_imply(narrow, wide)
    )


def further_conditions_imply(narrow: IngressRoute, wide: IngressRoute) -> bool:
    """Whether what meets ``narrow``'s headers and query, and names such lanes, meets ``wide``'s."""
    return (
        all(_header_implies(narrow, name, match) for name, match in wide.headers.items())
        and all(implies(narrow.query.get(name), match) for name, match in wide.query.items())
        and (wide.named is None or _names_imply(narrow, wide.named))
    )


def _header_implies(narrow: IngressRoute, name: str, match: StringMatch) -> bool:
    if implies(narrow.headers.get(name), match):
        return True
    named = narrow.named
    return (
        named is not None
        and named.header.lower() == name.lower()
        and all(match.matches(lane) for lane in named.lanes)
    )


def _names_imply(narrow: IngressRoute, wide: LaneNames) -> bool:
    header = wide.header.lower()
    if narrow.named is not None and narrow.named.header.lower() == header:
        return set(narrow.named.lanes) <= set(wide.lanes)
    match = narrow.headers.get(header)
    return match is not None and match.kind is MatchKind.EXACT and match.value in wide.lanes
