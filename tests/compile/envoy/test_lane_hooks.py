"""The lane filter's two forms in a listener."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.json_format import MessageToDict
from xds.type.v3 import typed_struct_pb2

from laneway.compile.envoy.lane_hooks import gateway_hooks, inbound_hooks, outbound_hooks
from laneway.compile.envoy.options import FilterModule
from laneway.compile.ir import BaggageMember, TraceMemory
from laneway.model.lanes import MemoryLimits

WASM = FilterModule("/m.wasm")
NATIVE = FilterModule("/m.so", native=True)
TRACE = TraceMemory("g", "X-Lane", "X-Trace", MemoryLimits(ttl_seconds=60))
BAGGAGE = BaggageMember("h", "x-lane", "lane")


def unpacked(config: Any) -> tuple[str, dict[str, Any]]:
    struct = typed_struct_pb2.TypedStruct()
    assert config.Unpack(struct)
    return struct.type_url.rpartition(".")[2], MessageToDict(struct.value)


def test_webassembly_is_an_http_filter_everywhere() -> None:
    for hooks in (
        inbound_hooks([TRACE, BAGGAGE], WASM),
        outbound_hooks([TRACE, BAGGAGE], WASM),
        gateway_hooks([BAGGAGE, BAGGAGE], WASM),
    ):
        assert (len(hooks.filters), hooks.mutations, hooks.access_logs) == (2, (), ())


def test_a_native_module_changes_headers_early() -> None:
    hooks = outbound_hooks([TRACE], NATIVE)
    assert (hooks.filters, hooks.access_logs) == ((), ())
    (mutation,) = hooks.mutations
    message, value = unpacked(mutation.typed_config)
    assert message == "DynamicModuleEarlyHeaderMutation"
    assert value["dynamic_module_config"] == {
        "module": {"local": {"filename": "/m.so"}},
        "do_not_close": True,
    }
    assert json.loads(value["early_header_mutation_config"]["value"]) == {
        "direction": "outbound",
        "route_header": "x-lane",
        "trace_header": "x-trace",
        "ttl_seconds": 60,
    }


def test_and_sees_the_end_of_inbound_requests() -> None:
    hooks = inbound_hooks([TRACE, BAGGAGE], NATIVE)
    assert len(hooks.mutations) == 2
    messages = [unpacked(log.typed_config) for log in hooks.access_logs]
    assert [message for message, _ in messages] == ["DynamicModuleAccessLog"] * 2
    early = [unpacked(m.typed_config)[1]["early_header_mutation_config"] for m in hooks.mutations]
    assert [value["logger_config"] for _, value in messages] == early


def test_a_gateway_has_it_natively_too() -> None:
    hooks = gateway_hooks([BAGGAGE, TRACE], NATIVE)
    assert (len(hooks.mutations), hooks.filters, hooks.access_logs) == (2, (), ())
