"""Rules that never take a request: earlier rules take them all, or no request can meet them.

A rule is reported only with proof: for each method and each prefix of the path there is an earlier
rule that certainly takes it. A regex that cannot be analysed is never reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, product

from laneway.compile.analyze.codes import Code
from laneway.compile.analyze.match_languages import covers, language
from laneway.compile.analyze.match_prefixes import Stem
from laneway.compile.analyze.reachability import Entry, Survey
from laneway.compile.analyze.request_synthesis import witnesses
from laneway.compile.analyze.rule_locations import about, further_conditions_imply, rule_of
from laneway.compile.analyze.simulated_requests import tried
from laneway.compile.ir import IngressRoute
from laneway.compile.simulate import Request
from laneway.compile.simulate.gateways import describe
from laneway.compile.simulate.path_normalization import split_target
from laneway.model.examples import Example
from laneway.model.findings import Finding
from laneway.model.matches import MatchKind, StringMatch

_ANY_PATH = (Stem("/", whole=False),)


def check(survey: Survey) -> Iterator[Finding]:
    reported: set[int] = set()
    for entries in survey.entries:
        route = entries[0].route
        if not dead(survey, entries):
            continue
        if not (why := _impossible(route)):
            yield from islice(_shadowed(survey, entries), 1)
        elif reported.isdisjoint(rules := {id(rule) for _, rule in route.rules}):
            yield _unmatched(survey, entries[0], why)
            reported |= rules  # a rule becomes a route for each of its hosts


def dead(survey: Survey, entries: Sequence[Entry]) -> bool:
    """Whether it is certain that the route of ``entries`` takes no request."""
    route = entries[0].route
    if id(route) in survey.alive:
        return False
    if _impossible(route):
        return True
    return all(_coverers(entry) is not None for entry in entries)


def _impossible(route: IngressRoute) -> str:
    """Why no request can meet the conditions, regardless of other rules. Empty if some may."""
    if why := unmatchable(route.uri):
        return f"no path meets {route.uri}, as {why}"
    named = route.named
    asked = None if named is None else route.headers.get(named.header.lower())
    if named is None or asked is None or any(asked.matches(lane) for lane in named.lanes):
        return ""
    return f"it asks for {named.header} {asked}, which is another lane's name"


def unmatchable(uri: StringMatch | None) -> str:
    """Why no normalized path can meet the condition. Empty if some may."""
    if uri is None:
        return ""
    if uri.kind is MatchKind.REGEX:
        known = language(uri).stems
        begins = any(stem.text.startswith("/") or not (stem.text or stem.whole) for stem in known)
        return "" if begins else "a path begins with /"
    endings = ("",) if uri.kind is MatchKind.EXACT else ("", "x", "/x")
    seen = [split_target(uri.value + ending) for ending in endings]
    if any(target is not None and target[0].startswith(uri.value) for target in seen):
        return ""
    found = next((target for target in seen if target is not None), None)
    return f"gateways see {found[0]} instead" if found else "gateways refuse such a path"


def _unmatched(survey: Survey, entry: Entry, why: str) -> Finding:
    route = entry.route
    path = "/" if route.uri is None or route.uri.kind is MatchKind.REGEX else route.uri.value
    host = route.host.replace("*.", "any.").replace("*", "localhost")
    trial = tried(survey, entry.port, Request(host, path))
    message = f"{rule_of(route)} takes no request: {why}"
    fix = "write the path as gateways see it: normalized, escaped, and from / on"
    if not unmatchable(route.uri):
        fix = "remove the condition: a rule of the lane's own is for requests that name it anyway"
    return about(Code.UNMATCHABLE_RULE, route, message, fix, trial.example())


def _shadowed(survey: Survey, entries: Sequence[Entry]) -> Iterator[Finding]:
    """A finding for each entry that is shadowed by other rules (not by the rule's other hosts)."""
    for entry in entries:
        route, port = entry.route, entry.port
        others = [other for other in _coverers(entry) or () if not _is_same(route, other)]
        requests = witnesses(entry.host, [route], port.hosts)
        taken = ((request, port.taker(request)) for request in requests)
        request = next((r for r, taker in taken if taker and not _is_same(route, taker)), None)
        if not others or request is None:
            continue
        example = tried(survey, port, request).example()
        yield from _finding(route, others, example)


def _finding(
    route: IngressRoute, others: Sequence[IngressRoute], example: Example
) -> list[Finding]:
    """``others`` take all requests of ``route``. A rule with ``enter`` has its effect before that,
    and only loses what it says besides."""
    plain = tuple((lane, rule) for lane, rule in route.rules if not rule.enter)
    if not plain and len(_ways(route, *others)) == 1:
        return []
    own = replace(route, rules=plain or route.rules)
    names = " and ".join(_named(other, route) for other in others[:3])
    takes = f"takes no request of host {route.host}"
    message = f"{rule_of(own)} {takes}: {names} {_come(others)}"
    fix = f"remove it, or ask for something that those before do not: {describe(route)}"
    if not plain:
        message = f"requests enter by {rule_of(own)}, but it {takes}: {names} {_come(others)}"
        fix = "give it the destination and the actions of the rule that takes its requests"
    return [about(Code.SHADOWED_RULE, own, message, fix, example)]


def _ways(*routes: IngressRoute) -> set[tuple[object, ...]]:
    """What happens to the requests of the routes."""
    rules = (rule for route in routes for _, rule in route.rules)
    return {(str(rule.destination), rule.port, repr(rule.actions)) for rule in rules}


def _is_same(route: IngressRoute, other: IngressRoute) -> bool:
    """Whether both come from the same rules, by different hosts."""
    return all(any(rule is own for _, rule in other.rules) for _, own in route.rules)


def _coverers(entry: Entry) -> tuple[IngressRoute, ...] | None:
    """The earlier routes that take all requests of this one, or ``None`` if that is uncertain."""
    route = entry.route
    stems = language(route.uri).stems if route.uri is not None else _ANY_PATH
    found: dict[int, IngressRoute] = {}
    for method, stem in product(route.methods or (None,), stems):
        if not stem.text and not stem.whole:
            stem = _ANY_PATH[0]
        first = next((e for e in entry.earlier if _takes_all(e, route, method, stem)), None)
        if first is None:
            return None
        found[id(first)] = first
    return tuple(found.values())


def _takes_all(other: IngressRoute, route: IngressRoute, method: str | None, stem: Stem) -> bool:
    return (
        (not other.methods or method in other.methods)
        and (other.uri == route.uri or covers(other.uri, stem))
        and further_conditions_imply(route, other)
    )


def _named(other: IngressRoute, route: IngressRoute) -> str:
    groups = other.groups
    of = f" (group {groups[0]})" if groups != route.groups else ""
    return f"{rule_of(other)}{of}, {describe(other)},"


def _come(others: Sequence[IngressRoute]) -> str:
    return "precedes it" if len(others) == 1 else "precede it"
