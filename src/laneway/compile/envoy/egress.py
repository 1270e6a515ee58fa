"""What a sidecar lets through to hosts outside the mesh.

Any local program, and any web page in the developer's browser, can send requests to a sidecar's
outbound port. So a host outside the mesh is called only if the request names it as a proxy's
client does (``scoped_routes`` ensures this), and only at an address that is not one of this
machine's: all ports of the mesh are on loopback, so no proxy can be made to call itself or another.

The filters here run for such hosts only; the routes of services switch them off. They are the same
for every sidecar and are made once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from envoy.config.core.v3 import address_pb2
from envoy.config.rbac.v3 import rbac_pb2
from envoy.config.route.v3 import route_components_pb2
from envoy.extensions.filters.http.cdn_loop.v3 import cdn_loop_pb2
from envoy.extensions.filters.http.dynamic_forward_proxy.v3 import (
    dynamic_forward_proxy_pb2 as forward_pb2,
)
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2 as filter_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.rbac.matchers.upstream_ip_port.v3 import upstream_ip_port_matcher_pb2
from google.protobuf.any_pb2 import Any
from google.protobuf.wrappers_pb2 import UInt32Value

from laneway.compile.envoy.clusters import dns_cache
from laneway.compile.envoy.protobuf import extension, packed

_ADDRESSES = "laneway.addresses"
_LOOPS = "laneway.loops"

#: How often one request may pass the proxies that count it: a gateway, or the way out of the mesh.
MOST_PASSES = 8

#: Loopback, "this host" (which Linux takes for loopback) and link-local, among these the addresses
#: of clouds' metadata; for IPv6 also as mapped IPv4 addresses. ``::/96`` holds ``::`` and ``::1``.
REFUSED = (
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "::/96",
    "::ffff:0.0.0.0/104",
    "::ffff:127.0.0.0/104",
    "::ffff:169.254.0.0/112",
    "fe80::/10",
)


@cache
def egress_filters() -> tuple[hcm_pb2.HttpFilter, ...]:
    """In this order: the host is resolved, then its address is looked at.

    Of a host with several addresses that is the first, and where it does not answer, Envoy tries
    the others. Hence ``names.EGRESS_HEADER``, by which sidecars refuse what comes that way.
    """
    forward = forward_pb2.FilterConfig(dns_cache_config=dns_cache(), save_upstream_address=True)
    return (
        loop_filter(),
        hcm_pb2.HttpFilter(
            name="envoy.filters.http.dynamic_forward_proxy", typed_config=packed(forward)
        ),
        hcm_pb2.HttpFilter(name=_ADDRESSES, typed_config=packed(_addresses())),
    )


def loop_filter() -> hcm_pb2.HttpFilter:
    """Counts passes by the header ``cdn-loop`` (RFC 8586), and ends a request that runs in a
    circle, whoever leads it back."""
    config = cdn_loop_pb2.CdnLoopConfig(cdn_id="laneway", max_allowed_occurrences=MOST_PASSES)
    return hcm_pb2.HttpFilter(name=_LOOPS, typed_config=packed(config))


@cache
def within_the_mesh() -> Mapping[str, Any]:
    """The filters that a route to a service does without."""
    off = packed(route_components_pb2.FilterConfig(disabled=True))
    return dict.fromkeys((_LOOPS, _ADDRESSES), off)


def _addresses() -> filter_pb2.RBAC:
    """Denies by address. A service of the mesh that is written in another case comes by here, too,
    and has no address: which filters run is decided before its route is found."""
    policy = rbac_pb2.Policy(
        permissions=[_upstream(each) for each in REFUSED], principals=[rbac_pb2.Principal(any=True)]
    )
    rules = rbac_pb2.RBAC(action=rbac_pb2.RBAC.DENY, policies={"this machine": policy})
    return filter_pb2.RBAC(rules=rules)


def _upstream(ip_range: str) -> rbac_pb2.Permission:
    address, _, length = ip_range.partition("/")
    matcher = upstream_ip_port_matcher_pb2.UpstreamIpPortMatcher(
        upstream_ip=address_pb2.CidrRange(
            address_prefix=address, prefix_len=UInt32Value(value=int(length))
        )
    )
    return rbac_pb2.Permission(matcher=extension("envoy.rbac.matchers.upstream_ip_port", matcher))
