"""A gateway's routes for ``enter`` rules, and the filters that act on them.

A request that meets such a rule and names no lane of its group is first routed to the rule's route.
That leads nowhere itself: by its filter context the filter learns the lane, writes it into the
route header, and has the request routed again (``compile.entry_filters``). Weights are the route's,
as Envoy has them for clusters. Rules that differ in nothing but one exact value share a route, in
which the lane is looked up by that value; so their number costs no time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from envoy.config.core.v3 import base_pb2
from envoy.config.route.v3 import route_components_pb2, route_pb2
from envoy.extensions.filters.http.lua.v3 import lua_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.type.matcher.v3 import regex_pb2, string_pb2
from google.protobuf.any_pb2 import Any
from google.protobuf.wrappers_pb2 import UInt32Value

from laneway.compile import entry_filters
from laneway.compile.entry_filters import ENTERED_HEADER, Context
from laneway.compile.envoy import names
from laneway.compile.envoy.alternatives import alternatives
from laneway.compile.envoy.conditions import condition, hash_policy
from laneway.compile.envoy.packing import packed
from laneway.compile.ir import EntryRule, GatewayRoutes
from laneway.model.matches import MatchKind, StringMatch

#: What tells rules of one route apart: where the value stands, and its name there.
_Place = tuple[str, str]


@cache
def entry_filter_chain(with_entries: bool) -> tuple[hcm_pb2.HttpFilter, ...]:
    """In this order: what a request names comes before what it enters by."""
    filters = [_lua(entry_filters.NAMES, entry_filters.NAMES_SCRIPT)]
    if with_entries:
        filters.append(_lua(entry_filters.ENTRY, entry_filters.ENTRY_SCRIPT))
    return tuple(filters)


def _lua(name: str, script: str) -> hcm_pb2.HttpFilter:
    source = base_pb2.DataSource(inline_string=script)
    return hcm_pb2.HttpFilter(
        name=name, typed_config=packed(lua_pb2.Lua(default_source_code=source))
    )


def add_naming(config: route_pb2.RouteConfiguration, gateway: GatewayRoutes) -> None:
    """What the filters need besides the rules' routes."""
    context = _context(entry_filters.names_context(gateway.naming))
    config.typed_per_filter_config[entry_filters.NAMES].CopyFrom(context)
    config.request_headers_to_remove.append(ENTERED_HEADER)


def entry_routes(entries: Sequence[EntryRule]) -> Iterator[route_components_pb2.Route]:
    for place, alike in _shared(entries):
        if place is None:
            yield from map(_entry_route, alike)
        else:
            yield from _lookup_routes(place, alike)


def not_entered() -> route_components_pb2.HeaderMatcher:
    """That no rule has decided of the request."""
    return _absent(ENTERED_HEADER)


def _entry_route(entry: EntryRule) -> route_components_pb2.Route:
    route = _route(entry)
    split = entry.split
    if len(split.ranges) == 1:
        _tell(route, entry_filters.entry_context(split.header, split.ranges[0].lane))
        return route
    weighted = route.route.weighted_clusters
    for share in split.ranges:
        cluster = weighted.clusters.add(
            name=names.target_cluster(share.target), weight=UInt32Value(value=share.weight)
        )
        _tell(cluster, entry_filters.entry_context(split.header, share.lane))
    if split.sticky is not None:
        route.route.hash_policy.append(hash_policy(split.sticky))
        weighted.use_hash_policy.value = True
    return route


def _lookup_routes(
    place: _Place, alike: Sequence[EntryRule]
) -> Iterator[route_components_pb2.Route]:
    """One for as many rules as one regex can hold the values of."""
    by, name = place
    lanes = {_match(entry, place).value: entry.split.ranges[0].lane for entry in alike}
    first = alike[0]
    is_prefix = _match(first, place).kind is MatchKind.PREFIX
    for regex, values in alternatives(lanes):
        route = _route(first)
        if by == "path":
            route.match.safe_regex.regex = f"(?:{regex}).*" if is_prefix else regex
        else:
            matchers = route.match.headers if by == "header" else route.match.query_parameters
            matcher = next(each for each in matchers if each.name == name)
            union = regex_pb2.RegexMatcher(regex=regex)
            matcher.string_match.CopyFrom(string_pb2.StringMatcher(safe_regex=union))
        some = {value: lanes[value] for value in values}
        length = len(values[0].encode()) if by == "path" else 0
        _tell(route, entry_filters.lookup_context(first.split.header, by, name, some, length))
        yield route


def _route(entry: EntryRule) -> route_components_pb2.Route:
    """Where no filter runs, the request is the baseline's."""
    match = condition(entry)
    match.headers.extend([_absent(entry.split.header), not_entered()])
    cluster = names.target_cluster(entry.split.shares[0].target)
    return route_components_pb2.Route(
        match=match, route=route_components_pb2.RouteAction(cluster=cluster)
    )


def _tell(
    to: route_components_pb2.Route | route_components_pb2.WeightedCluster.ClusterWeight,
    context: Context,
) -> None:
    to.typed_per_filter_config[entry_filters.ENTRY].CopyFrom(_context(context))


def _context(context: Context) -> Any:
    route = lua_pb2.LuaPerRoute()
    route.filter_context.update(context)
    return packed(route)


def _absent(header: str) -> route_components_pb2.HeaderMatcher:
    return route_components_pb2.HeaderMatcher(
        name=header.lower(), present_match=True, invert_match=True
    )


def _shared(entries: Iterable[EntryRule]) -> Iterator[tuple[_Place | None, list[EntryRule]]]:
    """Rules that follow one another and differ in one exact value; others alone.

    Only neighbours: no other rule may have its turn between two that share a route.
    """
    place: _Place | None = None
    run: list[EntryRule] = []
    for entry in entries:
        differs = _difference(run[0], entry) if run else None
        if run and (differs is None or place not in (None, differs)):
            yield place, run
            place, run = None, []
        elif run:
            place = differs
        run.append(entry)
    if run:
        yield place, run


def _difference(one: EntryRule, other: EntryRule) -> _Place | None:
    """The only place where the rules differ, and by an exact value; ``None`` if it is not so."""
    if _frame(one) != _frame(other) or not all(len(e.split.ranges) == 1 for e in (one, other)):
        return None
    ones, others = _matches(one), _matches(other)
    places = [place for place in ones if ones[place] != others[place]]
    if len(places) != 1:
        return None
    (place,) = places
    return place if _is_exact(place, ones[place], others[place]) else None


def _is_exact(place: _Place, one: StringMatch, other: StringMatch) -> bool:
    if one.kind is not other.kind:
        return False
    if place[0] == "path":
        return one.kind is not MatchKind.REGEX and len(one.value.encode()) == len(
            other.value.encode()
        )
    return one.kind is MatchKind.EXACT


def _frame(entry: EntryRule) -> tuple[object, ...]:
    split = entry.split
    return entry.group, split.header, entry.host, entry.methods, {*_matches(entry)}


def _matches(entry: EntryRule) -> dict[_Place, StringMatch]:
    path = {("path", ""): entry.uri} if entry.uri else {}
    headers = {("header", name): match for name, match in entry.headers.items()}
    return {**path, **headers, **{("query", name): match for name, match in entry.query.items()}}


def _match(entry: EntryRule, place: _Place) -> StringMatch:
    return _matches(entry)[place]
