"""How findings name ingress rules: the lanes that a route belongs to, and the path of the rule."""

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
    """Text such as ``rule r1 of lanes s1, s2``; only lanes of ``group``, if given."""
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
    """A finding at the first rule (of ``group``, if given) that the route comes from.

    A rule becomes a route for each of its hosts. If it has several, the path points to the host.
    """
    lane, rule = next(pair for pair in route.rules if group in (None, pair[0].group))
    path: Path = ("spec", "ingress", lane.ingress.index(rule))
    if len(rule.hosts) > 1:
        path += ("hosts", rule.hosts.index(route.host))
    return Finding(code, message, fix, key_of(lane), path, severity, example=example)


def contains(wide: IngressRoute, narrow: IngressRoute) -> bool:
    """Whether every request that meets ``narrow`` certainly meets ``wide``, too.

    Both are at one virtual host and ``narrow`` takes precedence, so its host is within the other's.
    """
    return (
        (not wide.methods or (bool(narrow.methods) and {*narrow.methods} <= {*wide.methods}))
        and implies(narrow.uri, wide.uri)
        and further_conditions_imply(narrow, wide)
    )


def further_conditions_imply(narrow: IngressRoute, wide: IngressRoute) -> bool:
    """The same for conditions on headers, the query and the lane only."""
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
