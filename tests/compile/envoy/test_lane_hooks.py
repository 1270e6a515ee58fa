"""The lane filter's two forms in a listener."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from xds.type.v3 import typed_struct_pb2

from laneway.compile.envoy.lane_hooks import (
    LaneHooks,
    gateway_hooks,
    inbound_hooks,
    outbound_hooks,
)
from laneway.compile.envoy.options import FilterModule
from laneway.compile.ir import BaggageMember, RouteHeader, TraceMemory
from laneway.model.lanes import MemoryLimits

WASM = FilterModule("/m.wasm")
NATIVE = FilterModule("/m.so", native=True)
TRACE = TraceMemory("g", "X-Lane", "X-Trace", MemoryLimits(ttl_seconds=60))
BAGGAGE = BaggageMember("h", "x-lane", "lane")
HEADER = RouteHeader("i", "X-Lane")


def unpacked(config: Any) -> tuple[str, dict[str, Any]]:
    struct = typed_struct_pb2.TypedStruct()
    assert config.Unpack(struct)
    return struct.type_url.rpartition(".")[2], MessageToDict(struct.value)


def test_webassembly_is_an_http_filter_everywhere() -> None:
    for hooks in (
        inbound_hooks([TRACE, BAGGAGE, HEADER], WASM),
        outbound_hooks([TRACE, BAGGAGE, HEADER], WASM),
        gateway_hooks([BAGGAGE, BAGGAGE], WASM),
    ):
        assert (len(hooks.filters), hooks.mutations, hooks.access_logs) == (2, (), ())


def test_a_native_module_changes_headers_early() -> None:
    hooks = outbound_hooks([TRACE], NATIVE)
    assert hooks.filters == ()
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


@pytest.mark.parametrize("hooks_of", [inbound_hooks, outbound_hooks])
def test_and_sees_the_end_of_requests(hooks_of: Callable[..., LaneHooks]) -> None:
    hooks = hooks_of([TRACE, BAGGAGE], NATIVE)
    assert len(hooks.mutations) == 2
    messages = [unpacked(log.typed_config) for log in hooks.access_logs]
    assert [message for message, _ in messages] == ["DynamicModuleAccessLog"] * 2
    early = [unpacked(m.typed_config)[1] for m in hooks.mutations]
    for name, kind in (("logger_config", "config"), ("logger_name", "name")):
        expected = [value[f"early_header_mutation_{kind}"] for value in early]
        assert [value[name] for _, value in messages] == expected
    assert [value["logger_name"] for _, value in messages] == ["g", "h"]


def test_where_applications_pass_the_route_header_on_it_only_counts() -> None:
    inbound, outbound = inbound_hooks([HEADER], NATIVE), outbound_hooks([HEADER], NATIVE)
    assert (len(inbound.mutations), len(inbound.access_logs)) == (1, 1)
    assert (len(outbound.mutations), len(outbound.access_logs)) == (0, 1)
    _, value = unpacked(outbound.access_logs[0].typed_config)
    assert value["logger_name"] == "i"
    configured = json.loads(value["logger_config"]["value"])
    assert configured == {"direction": "outbound", "route_header": "x-lane"}


def test_a_gateway_has_it_natively_too() -> None:
    hooks = gateway_hooks([BAGGAGE, TRACE], NATIVE)
    assert (len(hooks.mutations), hooks.filters, hooks.access_logs) == (2, (), ())
