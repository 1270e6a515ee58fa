"""Listeners: a sidecar's inbound and outbound ones, and a gateway's."""

from __future__ import annotations

from collections.abc import Iterable

from envoy.config.common.mutation_rules.v3 import mutation_rules_pb2
from envoy.config.core.v3 import base_pb2, extension_pb2, protocol_pb2
from envoy.config.listener.v3 import listener_components_pb2, listener_pb2
from envoy.extensions.filters.http.header_mutation.v3 import (
    header_mutation_pb2 as header_mutation_filter_pb2,
)
from envoy.extensions.filters.http.router.v3 import router_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.http.early_header_mutation.header_mutation.v3 import header_mutation_pb2
from envoy.type.matcher.v3 import string_pb2
from google.protobuf.wrappers_pb2 import BoolValue, UInt32Value

from laneway.compile.envoy import names, visibility
from laneway.compile.envoy.callers import caller_headers
from laneway.compile.envoy.egress import egress_filters, loop_filter
from laneway.compile.envoy.lane_hooks import LaneHooks
from laneway.compile.envoy.options import Options
from laneway.compile.envoy.protobuf import (
    ads,
    duration,
    extension,
    packed,
    resource,
    socket_address,
)
from laneway.compile.envoy.protocol_errors import protocol_error_log
from laneway.compile.envoy.scoped_routes import use_scopes
from laneway.compile.envoy.sidecar_routes import inbound_route
from laneway.compile.envoy.try_timeouts import try_timeout_filter
from laneway.compile.resources import LISTENER, Resource
from laneway.model.callers import CallerLane
from laneway.model.names import ObjectName
from laneway.model.placements import Address, CallPlacement

# Dynamic statistics count the status codes of every cluster, which is 6 % of what a hop costs. Lane
# statistics have requests, errors and durations, and each listener counts classes of status codes.
_ROUTER = hcm_pb2.HttpFilter(
    name="envoy.filters.http.router",
    typed_config=packed(
        router_pb2.Router(suppress_envoy_headers=True, dynamic_stats=BoolValue(value=False))
    ),
)


#: From a request's first byte to the end of its headers. Bodies and responses have no time limit.
#: The timer is 1.3 % of what a hop costs. Sidecars need it, too: otherwise another user of this
#: machine could fill their connections with requests that never end.
_HEADERS_SECONDS = 10


def inbound_listener(
    workload: ObjectName,
    port: int,
    address: Address,
    lanes: LaneHooks,
    options: Options,
) -> Resource:
    """Takes callers' requests to one port of the workload."""
    manager = _manager("inbound", lanes, after=[try_timeout_filter()])
    manager.route_config.CopyFrom(inbound_route(port))
    manager.generate_request_id.value = False
    manager.local_reply_config.mappers.extend(
        visibility.to_outsiders(
            visibility.unreachable_reply(workload),
            "the workload does not accept connections",
            options,
        )
    )
    manager.local_reply_config.mappers.append(visibility.timed_out_reply())
    return _listener(f"inbound|{port}", address, manager, "INBOUND")


def outbound_listener(
    address: Address, lanes: LaneHooks, callers: Iterable[CallerLane], options: Options
) -> Resource:
    """The forward proxy to which the application's ``http_proxy`` points.

    ``callers`` are the lanes that the workload's calls belong to.
    """
    manager = _manager("outbound", lanes, after=egress_filters())
    use_scopes(manager)
    manager.early_header_mutation_extensions.extend(map(caller_headers, callers))
    _tell_lanes(manager, options)
    # Its client is a workload of the mesh, which may see names.
    manager.local_reply_config.mappers.append(visibility.unavailable_reply())
    manager.local_reply_config.mappers.append(visibility.forbidden_reply())
    manager.local_reply_config.mappers.append(visibility.unknown_host_reply())
    manager.upgrade_configs.add(upgrade_type="CONNECT")
    manager.http2_protocol_options.allow_connect = True
    manager.generate_request_id.value = False
    return _listener("outbound", address, manager, "OUTBOUND")


def call_listener(
    variable: str,
    call: CallPlacement,
    lanes: LaneHooks,
    callers: Iterable[CallerLane],
    options: Options,
) -> Resource:
    """A loopback port for calls of one service, for clients that ignore ``http_proxy``."""
    manager = _manager("outbound", lanes, after=egress_filters())
    use_scopes(manager, call.host)
    manager.early_header_mutation_extensions.extend(map(caller_headers, callers))
    _tell_lanes(manager, options)
    manager.local_reply_config.mappers.append(visibility.unavailable_reply())
    manager.generate_request_id.value = False
    return _listener(f"call|{variable}", call.address, manager, "OUTBOUND")


def gateway_listener(
    gateway: ObjectName,
    port: int,
    address: Address,
    lanes: LaneHooks,
    options: Options,
) -> Resource:
    """Where requests enter the mesh.

    Control headers of Envoy (by which a client could request retries) and of laneway are removed.
    All other headers are kept.
    """
    manager = _manager("gateway", lanes, before=[loop_filter(), _without_our_trailers()])
    manager.early_header_mutation_extensions.insert(0, _without_our_headers(options))
    manager.rds.CopyFrom(
        hcm_pb2.Rds(config_source=ads(), route_config_name=names.gateway_routes(gateway, port))
    )
    _tell_lanes(manager, options)
    manager.local_reply_config.mappers.extend(
        visibility.to_outsiders(
            visibility.unavailable_reply(), "no healthy instance of the service", options
        )
    )
    manager.local_reply_config.mappers.extend(visibility.refusals())
    # Later hops accept more: proxies add headers, and a request must not be refused half-way.
    manager.max_request_headers_kb.value = 60
    manager.common_http_protocol_options.max_headers_count.value = 100
    manager.use_remote_address.CopyFrom(BoolValue(value=True))
    manager.normalize_path.CopyFrom(BoolValue(value=True))
    return _listener(f"gateway|{port}", address, manager, "OUTBOUND")


def _without_our_headers(options: Options) -> extension_pb2.TypedExtensionConfig:
    """Removes all headers of laneway, except the one by which a client requests an explanation.
    That one is moved aside meanwhile; routes compare its value."""
    aside = "laneway-aside"
    change = mutation_rules_pb2.HeaderMutation

    def put(name: str, source: str) -> mutation_rules_pb2.HeaderMutation:
        return change(append=visibility.header(name, f"%REQ({source})%"))

    mutations = [_remove_ours()]
    if options.explain is not None:
        kept = visibility.EXPLAIN_HEADER
        before = [change(remove=aside), put(aside, kept)]
        mutations = [*before, *mutations, put(kept, aside), change(remove=aside)]
    return extension(
        "envoy.http.early_header_mutation.header_mutation",
        header_mutation_pb2.HeaderMutation(mutations=mutations),
    )


def _without_our_trailers() -> hcm_pb2.HttpFilter:
    """An application may read trailers as if they were headers."""
    config = header_mutation_filter_pb2.HeaderMutation(
        mutations=header_mutation_filter_pb2.Mutations(request_trailers_mutations=[_remove_ours()])
    )
    return hcm_pb2.HttpFilter(name="laneway.trailers", typed_config=packed(config))


def _remove_ours() -> mutation_rules_pb2.HeaderMutation:
    """Of what a client must not set, whatever its name is after the prefix."""
    ours = string_pb2.StringMatcher(prefix="x-laneway-")
    change = mutation_rules_pb2.HeaderMutation
    return change(remove_on_match=change.RemoveOnMatch(key_matcher=ours))


def _manager(
    prefix: str,
    lanes: LaneHooks,
    *,
    before: Iterable[hcm_pb2.HttpFilter] = (),
    after: Iterable[hcm_pb2.HttpFilter] = (),
) -> hcm_pb2.HttpConnectionManager:
    """The common part of all listeners: transparent to applications, without time limits.

    The filters ``before`` and ``after`` surround those of the lanes.
    """
    return hcm_pb2.HttpConnectionManager(
        stat_prefix=prefix,
        codec_type=hcm_pb2.HttpConnectionManager.AUTO,
        http_filters=[*before, *lanes.filters, *after, _ROUTER],
        early_header_mutation_extensions=lanes.mutations,
        access_log=[*lanes.access_logs, protocol_error_log()],
        server_header_transformation=hcm_pb2.HttpConnectionManager.PASS_THROUGH,
        preserve_external_request_id=True,
        stream_idle_timeout=duration(0),
        request_headers_timeout=duration(_HEADERS_SECONDS),
        upgrade_configs=[hcm_pb2.HttpConnectionManager.UpgradeConfig(upgrade_type="websocket")],
        http_protocol_options=protocol_pb2.Http1ProtocolOptions(
            accept_http_10=True, enable_trailers=True
        ),
        http2_protocol_options=protocol_pb2.Http2ProtocolOptions(),
        proxy_100_continue=True,
        max_request_headers_kb=UInt32Value(value=192),
        common_http_protocol_options=protocol_pb2.HttpProtocolOptions(
            max_headers_count=UInt32Value(value=300)
        ),
    )


def _tell_lanes(manager: hcm_pb2.HttpConnectionManager, options: Options) -> None:
    manager.access_log.extend(visibility.access_logs(options))


def _listener(
    name: str, address: Address, manager: hcm_pb2.HttpConnectionManager, direction: str
) -> Resource:
    network_filter = listener_components_pb2.Filter(
        name="envoy.filters.network.http_connection_manager", typed_config=packed(manager)
    )
    listener = listener_pb2.Listener(
        name=name,
        address=socket_address(address),
        filter_chains=[listener_components_pb2.FilterChain(filters=[network_filter])],
        traffic_direction=base_pb2.TrafficDirection.Value(direction),
    )
    return resource(LISTENER, name, listener)
