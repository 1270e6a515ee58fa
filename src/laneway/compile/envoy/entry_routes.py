"""A gateway's routes for ``enter`` rules, and the filters that act on them.

A request that meets such a rule and names no lane of its group first matches the rule's route,
which has no real destination. The filter reads the lane from the route's filter context, sets the
route header, and lets Envoy choose the route again (``compile.entry_filters``). Weights are Envoy's
weighted clusters. Rules with the same shape share a route (``entry_lookups``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from envoy.config.core.v3 import base_pb2
from envoy.config.route.v3 import route_components_pb2, route_pb2
from envoy.extensions.filters.http.lua.v3 import lua_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from google.protobuf.wrappers_pb2 import UInt32Value

from laneway.compile import entry_filters
from laneway.compile.entry_filters import ENTERED_HEADER, Context, Lookup
from laneway.compile.envoy import names
from laneway.compile.envoy.conditions import condition, hash_policy
from laneway.compile.envoy.entry_lookups import Shared, without_value
from laneway.compile.envoy.protobuf import packed
from laneway.compile.ir import EntryRule, GatewayRoutes


@cache
def entry_filter_chain() -> tuple[hcm_pb2.HttpFilter, ...]:
    """In this order: what a request names comes before what it enters by.

    Every gateway has them, so that a lane which is the first to need them does not replace the
    listener, whose connections Envoy would close in the end. They are disabled: Envoy creates them
    only for requests to a port whose routes enable them (``enable_filters``).
    """
    scripts = {
        entry_filters.NAMES: entry_filters.NO_SCRIPT,
        entry_filters.ENTRY: entry_filters.ENTRY_SCRIPT,
    }
    return tuple(
        hcm_pb2.HttpFilter(
            name=name,
            typed_config=packed(
                lua_pb2.Lua(default_source_code=base_pb2.DataSource(inline_string=script))
            ),
            disabled=True,
        )
        for name, script in scripts.items()
    )


def enable_filters(
    config: route_pb2.RouteConfiguration, gateway: GatewayRoutes, found: Shared
) -> None:
    """For all requests to the port, with what the filters need besides the rules' routes."""
    script = lua_pb2.LuaPerRoute()
    text = entry_filters.names_script(gateway.naming, found.lookups)
    script.source_code.inline_string = text
    config.typed_per_filter_config[entry_filters.NAMES].CopyFrom(packed(script))
    if gateway.has_entries:
        config.typed_per_filter_config[entry_filters.ENTRY].CopyFrom(packed(lua_pb2.LuaPerRoute()))
    config.request_headers_to_remove.append(ENTERED_HEADER)
    config.request_headers_to_remove.extend(lookup.result for lookup in found.lookups)


def entry_routes(
    entries: Iterable[EntryRule], found: Shared
) -> Iterator[route_components_pb2.Route]:
    written: set[str] = set()
    for entry in entries:
        lookup = found.of(entry)
        if lookup is None:
            yield _entry_route(entry, found)
        elif lookup.result not in written:
            written.add(lookup.result)
            yield _lookup_route(entry, lookup, found)


def not_entered() -> route_components_pb2.HeaderMatcher:
    """Matches requests for which no ``enter`` rule has decided."""
    return _absent(ENTERED_HEADER)


def is_named(header: str) -> route_components_pb2.HeaderMatcher:
    """Matches requests with a lane in that route header."""
    return route_components_pb2.HeaderMatcher(name=header.lower(), present_match=True)


def _entry_route(entry: EntryRule, found: Shared) -> route_components_pb2.Route:
    route, split = _route(entry), entry.split
    results = found.results(split.header)
    if len(split.ranges) == 1:
        lane = split.ranges[0].lane
        _tell(route, entry_filters.entry_context(split.header, lane, lookups=results))
        return route
    weighted = route.route.weighted_clusters
    for share in split.ranges:
        cluster = weighted.clusters.add(
            name=names.target_cluster(share.target), weight=UInt32Value(value=share.weight)
        )
        _tell(cluster, entry_filters.entry_context(split.header, share.lane, lookups=results))
    if split.sticky is not None:
        route.route.hash_policy.append(hash_policy(split.sticky))
        weighted.use_hash_policy.value = True
    return route


def _lookup_route(entry: EntryRule, lookup: Lookup, found: Shared) -> route_components_pb2.Route:
    """A route for all rules of the lookup."""
    route = _route(without_value(entry, lookup))
    header = entry.split.header
    context = entry_filters.entry_context(
        header, result=lookup.result, lookups=found.results(header)
    )
    _tell(route, context)
    return route


def _route(entry: EntryRule) -> route_components_pb2.Route:
    """Without the filter, the request goes to the baseline."""
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
    route = lua_pb2.LuaPerRoute()
    route.filter_context.update(context)
    to.typed_per_filter_config[entry_filters.ENTRY].CopyFrom(packed(route))


def _absent(header: str) -> route_components_pb2.HeaderMatcher:
    return route_components_pb2.HeaderMatcher(
        name=header.lower(), present_match=True, invert_match=True
    )
