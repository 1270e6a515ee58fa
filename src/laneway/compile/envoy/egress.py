"""The requests that a sidecar lets through to hosts outside the mesh.

Any local program, and any web page in the developer's browser, can send requests to a sidecar's
outbound port. So a host outside the mesh is called only if the request names it as a proxy's
client does (``scoped_routes`` ensures this), and only at an address that is not one of this
machine's: all ports of the mesh are on loopback, so no proxy can be made to call itself or another.
Metadata services of clouds are not called either, because they hand out credentials.

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
_RESOLVER = "envoy.filters.http.dynamic_forward_proxy"

#: How often a request may pass proxies that count it: gateways, and sidecars on the way out.
MOST_PASSES = 8

#: Loopback, "this host" (which Linux treats as loopback), link-local, and what serves metadata
#: elsewhere: Alibaba Cloud's, AWS's and Google Cloud's for IPv6. Also as IPv4-mapped IPv6
#: addresses. ``::/96`` contains ``::1``.
REFUSED = (
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "100.100.100.200/32",
    "::/96",
    "::ffff:0.0.0.0/104",
    "::ffff:127.0.0.0/104",
    "::ffff:169.254.0.0/112",
    "::ffff:100.100.100.200/128",
    "fe80::/10",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
)


@cache
def egress_filters() -> tuple[hcm_pb2.HttpFilter, ...]:
    """In this order: resolve the host, then check its address.

    Only the first address of a host is checked, and Envoy tries the others if it does not answer.
    Hence ``names.EGRESS_HEADER``, by which sidecars refuse requests that come back.
    """
    forward = forward_pb2.FilterConfig(dns_cache_config=dns_cache(), save_upstream_address=True)
    return (
        loop_filter(),
        hcm_pb2.HttpFilter(name=_RESOLVER, typed_config=packed(forward)),
        hcm_pb2.HttpFilter(name=_ADDRESSES, typed_config=packed(_addresses())),
    )


def loop_filter() -> hcm_pb2.HttpFilter:
    """Counts passes in the header ``cdn-loop`` (RFC 8586), to end a request that goes in a loop."""
    config = cdn_loop_pb2.CdnLoopConfig(cdn_id="laneway", max_allowed_occurrences=MOST_PASSES)
    return hcm_pb2.HttpFilter(name=_LOOPS, typed_config=packed(config))


@cache
def within_the_mesh() -> Mapping[str, Any]:
    """Switches these filters off for a route to a service.

    Without that the resolver, too, would look for the route and the cluster of each request.
    """
    off = packed(route_components_pb2.FilterConfig(disabled=True))
    return dict.fromkeys((_LOOPS, _RESOLVER, _ADDRESSES), off)


def _addresses() -> filter_pb2.RBAC:
    """Denies requests by address.

    Requests to a service whose host is written in another case pass this filter, too: filters are
    chosen before the route is found. They have no address, and are not denied.
    """
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
