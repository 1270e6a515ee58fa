"""The lane filter's configuration, and the filter as WebAssembly (its sources are in ``filter/``).

Inbound, the filter remembers the lane of a trace id, or puts the lane into the baggage. Outbound,
and at a gateway for baggage, it sets the route header from there before the route is chosen. At a
gateway it also generates missing trace contexts. Each worker thread has one VM for all of these;
the inbound and outbound filters share a memory, because they have the same ``vm_id``.
"""

from __future__ import annotations

import json

from envoy.config.core.v3 import base_pb2
from envoy.extensions.filters.http.wasm.v3 import wasm_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.wasm.v3 import wasm_pb2 as vm_pb2
from google.protobuf.wrappers_pb2 import StringValue

from laneway.compile.envoy.options import FilterModule
from laneway.compile.envoy.protobuf import packed
from laneway.compile.ir import BaggageMember, Carrier, Propagated, RouteHeader, TraceMemory
from laneway.filter import VM_ID


def configuration(direction: str, propagated: Propagated) -> str:
    """The filter's configuration as JSON. ``direction`` is inbound, outbound or gateway."""
    settings = {
        "direction": direction,
        "route_header": propagated.route_header.lower(),
        **_settings(propagated),
    }
    chosen = {key: value for key, value in settings.items() if value is not None}
    return json.dumps(chosen, sort_keys=True)


def name(direction: str, propagated: Propagated) -> str:
    return f"laneway.trace_memory.{direction}.{propagated.group}"


def http_filter(direction: str, carrier: Carrier, module: FilterModule) -> hcm_pb2.HttpFilter:
    # The root id must be unique for each configuration, because root contexts share a VM.
    root = f"{direction}|{carrier.group}"
    plugin = vm_pb2.PluginConfig(
        name=root,
        root_id=root,
        vm_config=vm_pb2.VmConfig(
            vm_id=VM_ID,
            runtime="envoy.wasm.runtime.v8",
            code=base_pb2.AsyncDataSource(local=base_pb2.DataSource(filename=module.path)),
        ),
        configuration=packed(StringValue(value=configuration(direction, carrier))),
        failure_policy=vm_pb2.FAIL_OPEN,
    )
    return hcm_pb2.HttpFilter(
        name=name(direction, carrier),
        typed_config=packed(wasm_pb2.Wasm(config=plugin)),
    )


def _settings(propagated: Propagated) -> dict[str, str | int | None]:
    match propagated:
        case TraceMemory():
            return {
                "trace_header": propagated.trace_header.lower(),
                "sets": propagated.limits.sets,
                "ttl_seconds": propagated.limits.ttl_seconds,
            }
        case BaggageMember():
            return {"baggage_key": propagated.key}
        case RouteHeader():
            return {}
