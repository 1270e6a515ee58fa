"""Clusters: one for each (lane, service) pair that exists, and one for each fallback chain.

Envoy decides about fallback for each request, so no request fails first: an aggregate cluster sends
it to the first subset of its chain that has a healthy endpoint. An endpoint is unhealthy as soon as
one connection to it fails. A response never makes it unhealthy, whatever its status, because a lane
whose new version answers 500 must be seen to fail.
"""

from __future__ import annotations

from collections.abc import Iterable

from envoy.config.cluster.v3 import circuit_breaker_pb2, cluster_pb2, outlier_detection_pb2
from envoy.config.common.matcher.v3 import matcher_pb2
from envoy.config.core.v3 import protocol_pb2
from envoy.config.endpoint.v3 import endpoint_components_pb2, endpoint_pb2
from envoy.config.route.v3 import route_components_pb2
from envoy.extensions.clusters.aggregate.v3 import cluster_pb2 as aggregate_pb2
from envoy.extensions.clusters.dynamic_forward_proxy.v3 import cluster_pb2 as forward_pb2
from envoy.extensions.common.dynamic_forward_proxy.v3 import dns_cache_pb2
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2
from envoy.type.v3 import percent_pb2
from google.protobuf.wrappers_pb2 import UInt32Value

from laneway.compile.envoy import names, visibility
from laneway.compile.envoy.protobuf import ads, duration, packed, resource, socket_address
from laneway.compile.ir import Route, ServiceRoutes, Target
from laneway.compile.resources import CLUSTER, Resource
from laneway.model.lane_figures import ABSENT
from laneway.model.placements import Address

_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_UNLIMITED = UInt32Value(value=0xFFFFFFFF)
_HUNDRED = UInt32Value(value=100)
_ALL_BUT_ONE = UInt32Value(value=99)
_ZERO = UInt32Value(value=0)
_ONE = UInt32Value(value=1)


def service_clusters(routes: ServiceRoutes) -> Iterable[Resource]:
    """All clusters to which calls of the service can be routed."""
    for route in routes.by_port.values():
        targets = _targets(route)
        last_resorts = {target.chain[-1] if target.chain else "" for target in targets}
        for subset in subsets(routes, route):
            alone = Target(routes.service, route.default.port, (subset,) if subset else ())
            yield _subset(alone, subset, subset in last_resorts)
        for target in targets:
            if len(target.chain) > 1:
                yield _aggregate(names.target_cluster(target), target, target.chain[0])
        if route.default.chain:
            name = names.absent_cluster(route.default)
            yield _aggregate(name, route.default, ABSENT)


def subsets(routes: ServiceRoutes, route: Route) -> Iterable[str]:
    """The subsets that have a cluster: all lanes that contain the service, and all lanes in chains.
    The empty name stands for all workloads of the service."""
    named = (name for target in _targets(route) for name in target.chain or ("",))
    return dict.fromkeys([*(lane.name for lane in routes.subsets), *named])


def inbound_cluster(port: int) -> Resource:
    """The cluster of the sidecar's own application.

    It uses EDS because an application may be replaced by one at another port. Envoy finishes the
    requests to an endpoint that is removed, but not those to a cluster that is removed.
    """
    name = names.inbound_cluster(port)
    cluster = cluster_pb2.Cluster(
        name=name,
        type=cluster_pb2.Cluster.EDS,
        eds_cluster_config=cluster_pb2.Cluster.EdsClusterConfig(eds_config=ads()),
        connect_timeout=duration(1),
        circuit_breakers=_no_circuit_breakers(),
    )
    # A request on a connection that the application is just closing is lost. Nobody can know
    # whether it was read, so it is not retried. Hence Envoy closes idle connections first, well
    # before the shortest keep-alive of common servers (2 s, gunicorn). New connections on loopback
    # cost almost nothing.
    cluster.typed_extension_protocol_options[_HTTP_OPTIONS].CopyFrom(_APPLICATION_OPTIONS)
    return resource(CLUSTER, name, cluster)


def tunnel_cluster(outbound: Address) -> Resource:
    """The sidecar's own outbound listener.

    Some clients, such as gRPC, open a tunnel with CONNECT even for plain text. The requests in the
    tunnel are ordinary calls of services, so they pass the listener again.
    """
    endpoint = endpoint_components_pb2.LbEndpoint(
        endpoint=endpoint_components_pb2.Endpoint(address=socket_address(outbound))
    )
    cluster = cluster_pb2.Cluster(
        name=names.TUNNEL,
        type=cluster_pb2.Cluster.STATIC,
        connect_timeout=duration(1),
        circuit_breakers=_no_circuit_breakers(),
        load_assignment=endpoint_pb2.ClusterLoadAssignment(
            cluster_name=names.TUNNEL,
            endpoints=[endpoint_components_pb2.LocalityLbEndpoints(lb_endpoints=[endpoint])],
        ),
    )
    return resource(CLUSTER, names.TUNNEL, cluster)


def passthrough_cluster() -> Resource:
    """Hosts outside the mesh, which applications reach through ``http_proxy``, too."""
    config = forward_pb2.ClusterConfig(dns_cache_config=dns_cache())
    cluster = cluster_pb2.Cluster(
        name=names.PASSTHROUGH,
        connect_timeout=duration(10),
        lb_policy=cluster_pb2.Cluster.CLUSTER_PROVIDED,
        cluster_type=cluster_pb2.Cluster.CustomClusterType(
            name="envoy.clusters.dynamic_forward_proxy", typed_config=packed(config)
        ),
        circuit_breakers=_no_circuit_breakers(),
    )
    return resource(CLUSTER, names.PASSTHROUGH, cluster)


def dns_cache() -> dns_cache_pb2.DnsCacheConfig:
    """The cache that the passthrough cluster and its filter must agree on, field for field."""
    return dns_cache_pb2.DnsCacheConfig(
        name="passthrough", dns_lookup_family=cluster_pb2.Cluster.V4_PREFERRED
    )


def _targets(route: Route) -> Iterable[Target]:
    """Every target of the route, once for each chain."""
    targets = [target for choice in route.choices for target in choice.lanes.values()]
    return {target.chain: target for target in [*targets, route.default]}.values()


def _subset(target: Target, lane: str, last_resort: bool) -> Resource:
    name = names.target_cluster(target)
    cluster = cluster_pb2.Cluster(
        name=name,
        metadata=visibility.cluster_metadata(target, lane),
        type=cluster_pb2.Cluster.EDS,
        eds_cluster_config=cluster_pb2.Cluster.EdsClusterConfig(eds_config=ads()),
        connect_timeout=duration(1),
        lb_policy=cluster_pb2.Cluster.LEAST_REQUEST,
        common_lb_config=_health_is_exact(),
        outlier_detection=_outlier_detection(last_resort),
        circuit_breakers=_no_circuit_breakers(),
    )
    cluster.typed_extension_protocol_options[_HTTP_OPTIONS].CopyFrom(_OUTBOUND_OPTIONS)
    return resource(CLUSTER, name, cluster)


def _aggregate(name: str, target: Target, lane: str) -> Resource:
    host, port = target.service.host, target.port.port
    config = aggregate_pb2.ClusterConfig(
        clusters=[names.subset_cluster(host, port, subset) for subset in target.chain]
    )
    cluster = cluster_pb2.Cluster(
        name=name,
        metadata=visibility.cluster_metadata(target, lane),
        connect_timeout=duration(1),
        lb_policy=cluster_pb2.Cluster.CLUSTER_PROVIDED,
        cluster_type=cluster_pb2.Cluster.CustomClusterType(
            name="envoy.clusters.aggregate", typed_config=packed(config)
        ),
        common_lb_config=_health_is_exact(),
        circuit_breakers=_no_circuit_breakers(),
    )
    # The router uses the options of the cluster in the route, which for a chain is this one and not
    # that of the subset.
    cluster.typed_extension_protocol_options[_HTTP_OPTIONS].CopyFrom(_OUTBOUND_OPTIONS)
    return resource(CLUSTER, name, cluster)


def _health_is_exact() -> cluster_pb2.Cluster.CommonLbConfig:
    """No panic routing to dead endpoints, and every change of health is applied at once.

    Envoy would otherwise merge the changes of one second (``update_merge_window``), and keep
    choosing the second of two endpoints that die together.
    """
    return cluster_pb2.Cluster.CommonLbConfig(
        healthy_panic_threshold=percent_pb2.Percent(value=0), update_merge_window=duration(0)
    )


def _outlier_detection(last_resort: bool) -> outlier_detection_pb2.OutlierDetection:
    """Eject on the first failure to reach an endpoint; see ``_http_options`` for what counts.

    ``consecutive_5xx`` counts only responses that the error matcher names, never a status code.
    If no fallback follows, the last endpoint is never ejected: trying it is better than failing for
    certain, and an overload that moves from a lane to the baseline must not become an outage.
    """
    return outlier_detection_pb2.OutlierDetection(
        split_external_local_origin_errors=True,
        consecutive_local_origin_failure=_ONE,
        enforcing_consecutive_local_origin_failure=_HUNDRED,
        consecutive_5xx=_ONE,
        enforcing_consecutive_5xx=_HUNDRED,
        enforcing_consecutive_gateway_failure=_ZERO,
        enforcing_success_rate=_ZERO,
        enforcing_local_origin_success_rate=_ZERO,
        max_ejection_percent=_ALL_BUT_ONE if last_resort else _HUNDRED,
        interval=duration(1),
        base_ejection_time=duration(5),
        max_ejection_time=duration(30),
    )


def _no_circuit_breakers() -> circuit_breaker_pb2.CircuitBreakers:
    """As Istio: limits are a policy that users set, not a default (Envoy's allows 3 retries)."""
    return circuit_breaker_pb2.CircuitBreakers(
        thresholds=[
            circuit_breaker_pb2.CircuitBreakers.Thresholds(
                max_connections=_UNLIMITED,
                max_pending_requests=_UNLIMITED,
                max_requests=_UNLIMITED,
                max_retries=_UNLIMITED,
            )
        ]
    )


def _http_options(
    idle: float, unreachable: bool = False
) -> http_protocol_options_pb2.HttpProtocolOptions:
    """Uses the caller's protocol upstream. Connections are closed after ``idle`` seconds."""
    options = http_protocol_options_pb2.HttpProtocolOptions(
        use_downstream_protocol_config=http_protocol_options_pb2.HttpProtocolOptions.UseDownstreamHttpConfig(
            http_protocol_options=protocol_pb2.Http1ProtocolOptions(enable_trailers=True),
            http2_protocol_options=protocol_pb2.Http2ProtocolOptions(),
        ),
        common_http_protocol_options=protocol_pb2.HttpProtocolOptions(idle_timeout=duration(idle)),
    )
    if unreachable:
        header = route_components_pb2.HeaderMatcher(
            name=names.UNREACHABLE_HEADER, present_match=True
        )
        predicate = matcher_pb2.MatchPredicate(
            http_response_headers_match=matcher_pb2.HttpHeadersMatch(headers=[header])
        )
        options.outlier_detection.error_matcher.CopyFrom(predicate)
    return options


# Well before the inbound listener closes an idle connection (after an hour, Envoy's default).
_OUTBOUND_OPTIONS = packed(_http_options(idle=300, unreachable=True))

_APPLICATION_OPTIONS = packed(_http_options(idle=0.05))
