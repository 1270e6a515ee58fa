"""What the lane filter is configured with, beside workloads and at gateways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from envoy.config.listener.v3 import listener_pb2
from envoy.config.route.v3 import route_pb2
from envoy.extensions.filters.http.wasm.v3 import wasm_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from google.protobuf.wrappers_pb2 import StringValue
from tests.compile.istio.emission import emitted
from tests.compile.meshes import GATEWAY, ROUTE_HEADER, group, lane, mesh, name, rule, service

from laneway.compile.envoy import names
from laneway.compile.envoy.emitter import emit
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.lower import lower
from laneway.compile.placeholder_placements import placeholder_placements
from laneway.compile.resources import LISTENER, ROUTE
from laneway.model.lanes import MemoryLimits
from laneway.model.meshes import Mesh

Settings = dict[str, Any]
OPTIONS = Options(FilterModule("filter.wasm"))
LIMITS = MemoryLimits(ttl_seconds=60, sets=8)


def declared(*trace_headers: str, **fields: Any) -> Mesh:
    """A group for each header, ``a`` and so on, of a service and a lane; all have one rule."""
    letters = "abc"[: len(trace_headers)]
    groups = [
        group(letter, letter, trace_header=header, **fields)
        for letter, header in zip(letters, trace_headers, strict=True)
    ]
    lanes = [lane(f"{letter}1", letter, rule(letter), group=letter) for letter in letters]
    return mesh(groups, lanes, [service(letter) for letter in letters])


def in_envoy(of: Mesh, node: str) -> list[Settings]:
    """The settings of the lane filters in a proxy's listeners."""
    snapshot = emit(of, lower(of), placeholder_placements(of), OPTIONS)[node]
    return [
        settings
        for resource in snapshot.resources(LISTENER).values()
        for chain in listener_pb2.Listener.FromString(resource.body).filter_chains
        for settings in _lane_filters(chain.filters[0].typed_config.value)
    ]


def _lane_filters(manager: bytes) -> list[Settings]:
    filters = hcm_pb2.HttpConnectionManager.FromString(manager).http_filters
    return [
        json.loads(StringValue.FromString(wasm.config.configuration.value).value)
        for each in filters
        if each.typed_config.Is(wasm_pb2.Wasm.DESCRIPTOR)
        for wasm in [wasm_pb2.Wasm.FromString(each.typed_config.value)]
    ]


def in_istio(of: Mesh) -> list[Settings]:
    return [
        json.loads(patch["patch"]["value"]["typed_config"]["config"]["configuration"]["value"])
        for resource in emitted(of)
        for patch in resource["spec"].get("configPatches", ())
        if patch["applyTo"] == "EXTENSION_CONFIG"
    ]


SIDECAR = names.sidecar_node(name("a-v-a1"), 0)
AT_GATEWAY = names.gateway_node(GATEWAY, 0)


def test_a_groups_limits_reach_its_sidecars() -> None:
    of = declared("x-trace", trace_memory=LIMITS)
    limits = {"ttl_seconds": 60, "sets": 8, "trace_header": "x-trace", "route_header": ROUTE_HEADER}
    expected = [{"direction": side, **limits} for side in ("inbound", "outbound")]
    assert in_envoy(of, SIDECAR) == expected
    assert in_istio(of) == expected
    assert in_envoy(of, AT_GATEWAY) == []


def test_without_limits_the_filter_has_its_own() -> None:
    for settings in (*in_envoy(declared("x-trace"), SIDECAR), *in_istio(declared("x-trace"))):
        assert settings.keys() == {"direction", "trace_header", "route_header"}


@pytest.mark.parametrize("header", ["traceparent", "X-B3-TraceId"])
def test_a_gateway_makes_up_contexts_of_tracing_systems_alone(header: str) -> None:
    """One filter for each header, whoever else asks for the same."""
    of = declared(header, "x-trace", header.upper())
    settings = {
        "direction": "gateway",
        "trace_header": header.lower(),
        "route_header": ROUTE_HEADER,
    }
    assert in_envoy(of, AT_GATEWAY) == [settings]
    filled = {h for r in lower(of).gateways[GATEWAY].servers[0].virtual_hosts[0].routes
              for h in r.trace_headers}  # fmt: skip
    assert filled == {"x-trace"}


def test_trace_headers_that_are_empty_together_are_filled_in_together() -> None:
    of = declared("x-one", "x-two")
    (resource,) = (
        emit(of, lower(of), placeholder_placements(of), OPTIONS)[AT_GATEWAY]
        .resources(ROUTE)
        .values()
    )
    (host,) = route_pb2.RouteConfiguration.FromString(resource.body).virtual_hosts
    found = [
        ({h.name for h in route.match.headers}, overwritten(route.request_headers_to_add))
        for route in host.routes
        if route.HasField("route")
    ]
    both = {"x-one", "x-two"}
    assert found[:4] == [
        (both, both),
        ({"x-one"}, {"x-one"}),
        ({"x-two"}, {"x-two"}),
        (set(), set()),
    ]
    istio = [r for r in emitted(of) if r["kind"] == "VirtualService" and r["spec"].get("gateways")]
    (first, *_) = istio[0]["spec"]["http"]
    assert both <= first["match"][0]["headers"].keys()


def overwritten(added: Any) -> set[str]:
    return {option.header.key for option in added if option.append_action == 2}
