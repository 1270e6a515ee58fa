"""Combines rules that differ in one exact value only into a lookup table.

If there is a lane for each user, or for each path, their rules have the same shape. Envoy would try
a route for each of them in turn. Instead, a script looks the value up in a table
(``compile.entry_filters.Lookup``). Then one route enters the lane that was found, and one route
serves these requests and those that name the lane.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from laneway.compile.entry_filters import Lookup
from laneway.compile.envoy import names
from laneway.compile.ir import EntryRule, IngressRoute, LaneNames, Route, ServerRoutes
from laneway.model.matches import MatchKind, StringMatch

#: Every request at the gateway looks into every table.
_MOST_LOOKUPS = 16

#: The kind of field that contains the value, and the field's name.
_Place = tuple[str, str]
_Rule = EntryRule | IngressRoute
_FOUND = StringMatch(MatchKind.REGEX, ".*")


@dataclass(frozen=True)
class Shared:
    """``lookups``, the rules that each of them combines, and the lookup of each lane's rule."""

    lookups: tuple[Lookup, ...]
    rules: Mapping[int, int]
    owners: Mapping[tuple[object, ...], int]

    def of(self, entry: EntryRule) -> Lookup | None:
        number = self.rules.get(id(entry))
        return None if number is None else self.lookups[number]

    def results(self, header: str) -> tuple[str, ...]:
        return tuple(one.result for one in self.lookups if one.header == header.lower())


def shared(server: ServerRoutes) -> Shared:
    """The largest sets of rules with the same shape, among the rules of one port."""
    runs: dict[tuple[int, ...], tuple[_Place, list[EntryRule]]] = {}
    for host in server.virtual_hosts:
        for place, run in _runs(host.entries):
            runs.setdefault(tuple(map(id, run)), (place, run))
    largest = sorted(runs.values(), key=lambda each: -len(each[1]))[:_MOST_LOOKUPS]
    lookups = tuple(_lookup(number, *each) for number, each in enumerate(largest, 1))
    rules = {id(entry): n for n, (_, run) in enumerate(largest) for entry in run}
    owners = {
        (entry.split.ranges[0].lane, *_condition(entry)): n
        for n, (_, run) in enumerate(largest)
        for entry in run
    }
    return Shared(lookups, rules, owners)


def without_value(rule: EntryRule, lookup: Lookup) -> EntryRule:
    """The rule as it applies to all values that the lookup finds."""
    return replace(rule, **_asking(rule, lookup))


def joined(routes: Iterable[IngressRoute], found: Shared) -> Iterator[IngressRoute]:
    """The routes, with one route for all rules of a lookup, in the place of the first of them.

    Routes are combined only if this changes no order of precedence: no route may come to stand
    before another one that took precedence over it.
    """
    result: list[list[IngressRoute]] = []
    places: dict[tuple[object, ...], int] = {}
    last: dict[str, int] = {}
    group = ""
    for route in routes:
        if route.named is None or route.groups != (group,):
            places.clear()  # no route is moved before one that may take its requests
        group = route.groups[0]
        lanes = [] if route.named is None else list(route.named.lanes)
        number = _owner(route, found)
        default = names.target_cluster(route.route.default)
        key = (number, route.not_found, route.trace_headers, default, route.actions)
        place = places.get(key)
        if number is not None and place is not None and last.get(lanes[0], -1) <= place:
            result[place].append(route)
        else:
            place = len(result)
            result.append([route])
            if number is not None:
                places[key] = place
        last |= dict.fromkeys(lanes, place)
    for several in result:
        yield several[0] if len(several) == 1 else _joined(several, found)


def _owner(route: IngressRoute, found: Shared) -> int | None:
    named = route.named
    if named is None or len(named.lanes) != 1 or len(route.route.choices) != 1:
        return None
    number = found.owners.get((named.lanes[0], *_condition(route)))
    if number is None or found.lookups[number].header != named.header.lower():
        return None
    # Replacing a part of the path needs a route that matches that path.
    by_path = found.lookups[number].by == "path" and route.actions.uri is not None
    return None if by_path else number


def _joined(routes: Sequence[IngressRoute], found: Shared) -> IngressRoute:
    first = routes[0]
    number = _owner(first, found)
    assert number is not None
    (choice,) = first.route.choices
    lanes = {lane: to for each in routes for lane, to in each.route.choices[0].lanes.items()}
    route = Route((replace(choice, lanes=lanes),), first.route.default)
    rules = tuple(rule for each in routes for rule in each.rules)
    lookup = found.lookups[number]
    # The lookup may have found another lane, if not all of its lanes have routes here.
    here = dict.fromkeys(each.named.lanes[0] for each in routes if each.named)
    is_all = {*lookup.lanes.values()} == {*here}
    named = None if is_all else LaneNames(choice.header, tuple(here))
    return replace(first, route=route, rules=rules, named=named, **_asking(first, lookup))


def _asking(rule: _Rule, lookup: Lookup) -> dict[str, Any]:
    """The fields of the rule's condition, with the result of the lookup instead of the value."""
    headers = {**rule.headers, lookup.result: _FOUND}
    query = dict(rule.query)
    uri = None if lookup.by == "path" else rule.uri
    if lookup.by == "header":
        del headers[lookup.name]
    if lookup.by == "query":
        del query[lookup.name]
    return {"uri": uri, "headers": headers, "query": query}


def _lookup(number: int, place: _Place, run: Sequence[EntryRule]) -> Lookup:
    by, name = place
    first = _matches(run[0])[place]
    return Lookup(
        result=f"x-laneway-lookup-{number}",
        header=run[0].split.header.lower(),
        by=by,
        name=name,
        length=len(first.value.encode()) if first.kind is MatchKind.PREFIX else 0,
        lanes={_matches(entry)[place].value: entry.split.ranges[0].lane for entry in run},
    )


def _runs(entries: Iterable[EntryRule]) -> Iterator[tuple[_Place, list[EntryRule]]]:
    """Only consecutive rules: no other rule may come between two that share a route."""
    place: _Place | None = None
    run: list[EntryRule] = []
    for entry in entries:
        differs = _difference(run[-1], entry) if run else None
        if differs is None or place not in (None, differs):
            if place is not None:
                yield place, run
            place, run = None, [entry]
        else:
            place = differs
            run.append(entry)
    if place is not None:
        yield place, run


def _difference(one: EntryRule, other: EntryRule) -> _Place | None:
    """The only field in which the rules differ, if it has exact values, otherwise ``None``."""
    if _frame(one) != _frame(other) or not (_is_of_one_lane(one) and _is_of_one_lane(other)):
        return None
    ones, others = _matches(one), _matches(other)
    places = [place for place in ones if ones[place] != others[place]]
    if len(places) != 1 or not _is_exact(places[0], ones[places[0]], others[places[0]]):
        return None
    return places[0]


def _is_of_one_lane(entry: EntryRule) -> bool:
    return len(entry.split.ranges) == 1 and entry.split.ranges[0].lane != ""


def _is_exact(place: _Place, one: StringMatch, other: StringMatch) -> bool:
    if one.kind is not other.kind:
        return False
    if place[0] == "path" and one.kind is MatchKind.PREFIX:
        return len(one.value.encode()) == len(other.value.encode())
    return one.kind is MatchKind.EXACT


def _frame(entry: EntryRule) -> tuple[object, ...]:
    return entry.group, entry.split.header, entry.host, entry.methods, {*_matches(entry)}


def _matches(rule: _Rule) -> dict[_Place, StringMatch]:
    path = {("path", ""): rule.uri} if rule.uri else {}
    headers = {("header", name): match for name, match in rule.headers.items()}
    return {**path, **headers, **{("query", name): match for name, match in rule.query.items()}}


def _condition(rule: _Rule) -> tuple[object, ...]:
    return rule.host, rule.methods, frozenset(_matches(rule).items())
