"""The extensions of a listener by which the lane filter runs.

As WebAssembly it is an HTTP filter. As a native module it is an early header mutation, which runs
once before the route is chosen, and in sidecars also an access logger, which is called at the end
of each request. Both have the same configuration (``lane_filter``).

The native module also counts the calls that leave their lane (``call_statistics``). Where
applications pass on the route header itself, that is all it does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from envoy.config.accesslog.v3 import accesslog_pb2
from envoy.config.core.v3 import extension_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)

from laneway.compile.envoy import lane_filter, native_lane_filter
from laneway.compile.envoy.options import FilterModule
from laneway.compile.ir import Carrier, Propagated, RouteHeader


@dataclass(frozen=True, slots=True)
class LaneHooks:
    """The extensions that the HTTP connection manager of a listener needs for its lane groups."""

    filters: tuple[hcm_pb2.HttpFilter, ...] = ()
    mutations: tuple[extension_pb2.TypedExtensionConfig, ...] = ()
    access_logs: tuple[accesslog_pb2.AccessLog, ...] = ()


def inbound_hooks(propagated: Iterable[Propagated], module: FilterModule) -> LaneHooks:
    return _hooks("inbound", propagated, module)


def outbound_hooks(propagated: Iterable[Propagated], module: FilterModule) -> LaneHooks:
    return _hooks("outbound", propagated, module)


def gateway_hooks(carriers: Iterable[Carrier], module: FilterModule) -> LaneHooks:
    return _hooks("gateway", carriers, module)


def _hooks(direction: str, propagated: Iterable[Propagated], module: FilterModule) -> LaneHooks:
    each = tuple(propagated)
    carriers = tuple(p for p in each if not isinstance(p, RouteHeader))
    if not module.native:
        return LaneHooks(tuple(lane_filter.http_filter(direction, c, module) for c in carriers))
    # Inbound, it takes down each request of a lane. Outbound, it has nothing to do to a header that
    # applications pass on.
    early = each if direction == "inbound" else carriers
    logged = () if direction == "gateway" else each
    return LaneHooks(
        mutations=tuple(native_lane_filter.mutation(direction, p, module) for p in early),
        access_logs=tuple(native_lane_filter.access_logger(direction, p, module) for p in logged),
    )
