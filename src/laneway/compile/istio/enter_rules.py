"""EnvoyFilters and routes that find the lane of a request before a gateway routes it.

The two Lua filters of ``compile.entry_filters`` run at the gateway's pods. Each ``enter`` rule has
a route before all others, whose filter context contains the lane. It takes a request without a
route header once. A final route answers 404, because filters do not see requests without a route.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laneway.compile import entry_filters
from laneway.compile.entry_filters import ENTERED_HEADER, ENTRY, NAMES, Context
from laneway.compile.ir import EntryRule, GatewayRoutes
from laneway.compile.istio import names, patches
from laneway.compile.istio.conditions import condition
from laneway.compile.istio.options import Options
from laneway.compile.istio.resources import Document, destination
from laneway.model.lanes import LaneGroup

_LUA = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"
#: After the lane filter, which reads baggage into the route header.
_PRIORITY = 10


def has_naming(gateway: GatewayRoutes) -> bool:
    """Whether the gateway uses the filters."""
    return bool(gateway.naming) and has_filters(gateway)


def has_filters(gateway: GatewayRoutes) -> bool:
    """Without a selector they would apply to all gateways of the mesh, so there are none."""
    return bool(gateway.gateway.selector)


def entry_filter(gateway: GatewayRoutes, group: LaneGroup, options: Options) -> Document:
    """The filters, which all gateways have, and what enables them where a group needs them.

    They are there from the gateway's first group on, and disabled, so that no lane changes a
    listener later: proxies would close its connections.
    """
    scripts = {NAMES: entry_filters.NO_SCRIPT, ENTRY: entry_filters.ENTRY_SCRIPT}
    patched = [
        patches.inserted_filter(patches.GATEWAY, _filter(name, script))
        for name, script in scripts.items()
    ]
    if gateway.naming:
        merged = {"operation": "MERGE", "value": _enabling(gateway)}
        for server in gateway.servers:
            match = {
                "context": patches.GATEWAY,
                "routeConfiguration": {"portNumber": server.server.port},
            }
            patched.append({"applyTo": "ROUTE_CONFIGURATION", "match": match, "patch": merged})
    name, selector = names.entry_filter(gateway.gateway.name), gateway.gateway.selector
    return patches.envoy_filter(
        options.root_namespace, name, group, patched, selector, gateway.groups, _PRIORITY
    )


def _enabling(gateway: GatewayRoutes) -> Document:
    """Enables the filters for all requests to a port."""
    script = entry_filters.names_script(gateway.naming)
    per_route = _per_route(NAMES, {"source_code": {"inline_string": script}})
    if gateway.has_entries:
        per_route["typed_per_filter_config"] |= _per_route(ENTRY, {})["typed_per_filter_config"]
    return {"request_headers_to_remove": [ENTERED_HEADER], **per_route}


def entry_routes(gateway: GatewayRoutes, entries: Iterable[EntryRule]) -> Iterator[Document]:
    for entry in entries:
        yield {
            "name": names.entry_route(gateway.gateway.name, entry),
            "match": [_match(entry)],
            "route": [{"destination": destination(entry.split.shares[0].target)}],
        }


def no_rule() -> Document:
    return {"name": "laneway|no rule", "directResponse": {"status": 404}}


def without_entered() -> Document:
    """The ``withoutHeaders`` that match requests for which no ``enter`` rule has decided."""
    return {ENTERED_HEADER: {}}


def entry_patch(gateway: GatewayRoutes, entry: EntryRule) -> Document:
    """The data that the filter gets from the rule's route. Envoy itself draws the random number or
    computes the hash."""
    split = entry.split
    if len(split.ranges) == 1:
        value = _told(entry_filters.entry_context(split.header, split.ranges[0].lane))
    else:
        clusters = [
            {
                "name": names.target_cluster(share.target),
                "weight": share.weight,
                **_told(entry_filters.entry_context(split.header, share.lane)),
            }
            for share in split.ranges
        ]
        weighted: Document = {"clusters": clusters}
        value = {"route": {"weighted_clusters": weighted}}
        if split.sticky is not None:
            weighted["use_hash_policy"] = True
            value["route"]["hash_policy"] = [patches.hash_policy(split.sticky)]
    return patches.merged_route(
        patches.GATEWAY, names.entry_route(gateway.gateway.name, entry), value
    )


def _match(entry: EntryRule) -> Document:
    return {
        **condition(entry),
        "withoutHeaders": {entry.split.header.lower(): {}, **without_entered()},
    }


def _filter(name: str, script: str) -> Document:
    config = {"@type": _LUA, "default_source_code": {"inline_string": script}}
    return {"name": name, "typed_config": config, "disabled": True}


def _told(context: Context) -> Document:
    return _per_route(ENTRY, {"filter_context": context})


def _per_route(name: str, fields: Document) -> Document:
    return {"typed_per_filter_config": {name: {"@type": f"{_LUA}PerRoute", **fields}}}
