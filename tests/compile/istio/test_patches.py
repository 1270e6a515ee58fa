"""What EnvoyFilters hold is what Envoy reads, and what they are for is done by them alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.core.v3 import extension_pb2
from envoy.config.route.v3 import route_components_pb2, route_pb2
from envoy.extensions.clusters.aggregate.v3 import cluster_pb2 as aggregate_pb2
from envoy.extensions.filters.http.lua.v3 import lua_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2
from envoy.extensions.filters.http.wasm.v3 import wasm_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.retry.priority.previous_priorities.v3 import previous_priorities_config_pb2
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.json_format import ParseDict
from tests.compile.golden_cases import NAMES, mesh_named
from tests.compile.istio.emission import OPTIONS, emitted
from tests.compile.istio.interpreter import Istio
from tests.compile.meshes import exact, group, lane, mesh, name, rule, service

from laneway.compile.entry_filters import ENTRY
from laneway.compile.entry_filters import NAMES as NAMES_FILTER
from laneway.compile.simulate import Applications, Request
from laneway.model.meshes import Mesh

AGGREGATE = aggregate_pb2.ClusterConfig.DESCRIPTOR.full_name
WASM = wasm_pb2.Wasm.DESCRIPTOR.full_name
PRIORITIES = previous_priorities_config_pb2.PreviousPrioritiesConfig.DESCRIPTOR.full_name
INBOUND = "SIDECAR_INBOUND"


def patches(declared: Mesh, applied_to: str) -> Iterator[dict[str, Any]]:
    for resource in emitted(declared):
        for patch in resource["spec"].get("configPatches", ()):
            if patch["applyTo"] == applied_to:
                yield patch


@pytest.mark.parametrize("case", NAMES)
def test_envoy_knows_every_field_of_a_patch(case: str) -> None:
    for patch in patches(mesh_named(case), "CLUSTER"):
        cluster = ParseDict(patch["patch"]["value"], cluster_pb2.Cluster())
        assert cluster.cluster_type.typed_config.TypeName() == AGGREGATE
    for patch in patches(mesh_named(case), "HTTP_ROUTE"):
        route = ParseDict(patch["patch"]["value"], route_components_pb2.Route())
        if patch["match"]["context"] != INBOUND and not _is_entry(patch):
            priority = route.route.retry_policy.retry_priority
            assert priority.typed_config.TypeName() == PRIORITIES
    for patch in patches(mesh_named(case), "NETWORK_FILTER"):
        config = ParseDict(patch["patch"]["value"]["typed_config"], Packed())
        assert config.Is(hcm_pb2.HttpConnectionManager.DESCRIPTOR)
    for patch in patches(mesh_named(case), "EXTENSION_CONFIG"):
        extension = ParseDict(patch["patch"]["value"], extension_pb2.TypedExtensionConfig())
        wasm = wasm_pb2.Wasm.FromString(extension.typed_config.value)
        assert wasm.config.vm_config.code.local.inline_bytes == OPTIONS.module
    for patch in patches(mesh_named(case), "HTTP_FILTER"):
        inserted = ParseDict(patch["patch"]["value"], hcm_pb2.HttpFilter())
        if inserted.name in (NAMES_FILTER, ENTRY):
            assert inserted.typed_config.Is(lua_pb2.Lua.DESCRIPTOR)
            continue
        assert inserted.config_discovery.default_config.Is(rbac_pb2.RBAC.DESCRIPTOR)
        assert inserted.config_discovery.type_urls[0] == f"type.googleapis.com/{WASM}"
    for patch in patches(mesh_named(case), "ROUTE_CONFIGURATION"):
        config = ParseDict(patch["patch"]["value"], route_pb2.RouteConfiguration())
        told = lua_pb2.LuaPerRoute.FromString(config.typed_per_filter_config[NAMES_FILTER].value)
        assert '["header"]="x-lane"' in told.source_code.inline_string


def _is_entry(patch: dict[str, Any]) -> bool:
    """Of a route that leads nowhere, since the request is routed again."""
    return "|enter " in patch["match"]["routeConfiguration"]["vhost"]["route"]["name"]


@pytest.mark.parametrize("case", NAMES)
def test_every_inserted_filter_has_a_configuration_that_comes_before_it(case: str) -> None:
    configured: set[str] = set()
    inserted: set[str] = set()
    for resource in emitted(mesh_named(case)):
        for patch in resource["spec"].get("configPatches", ()):
            value = patch["patch"]["value"]
            if patch["applyTo"] == "EXTENSION_CONFIG":
                assert resource["metadata"]["namespace"] == "istio-system"
                assert "workloadSelector" not in resource["spec"]
                configured.add(value["name"])
            if patch["applyTo"] == "HTTP_FILTER":
                if value["name"] in (NAMES_FILTER, ENTRY):
                    continue  # it has its configuration with it
                assert value["name"] in configured
                inserted.add(value["name"])
    assert inserted == configured


def test_groups_have_filters_of_their_own_and_workloads_get_one_once() -> None:
    """Services a and b have the same selector, hence the same workloads."""
    same = replace(service("b"), selector=service("a").selector)
    lanes = [lane("s1", "a b", rule("a"), group="one"), lane("t1", "c", rule("c"), group="two")]
    declared = mesh(
        [group("a b", "one"), group("c", "two")], lanes, [service("a"), same, service("c")]
    )
    found = [
        (resource["spec"]["workloadSelector"]["labels"]["app"], patch["patch"]["value"]["name"])
        for resource in emitted(declared)
        for patch in resource["spec"].get("configPatches", ())
        if patch["applyTo"] == "HTTP_FILTER"
    ]
    assert found == [
        (app, f"laneway.lane_filter.{direction}.{of}")
        for app, of in (("a", "one"), ("c", "two"))
        for direction in ("inbound", "outbound")
    ]


@pytest.mark.parametrize("case", NAMES)
def test_every_patched_route_and_cluster_is_there(case: str) -> None:
    resources = emitted(mesh_named(case))
    routes = [
        route["name"]
        for resource in resources
        if resource["kind"] == "VirtualService"
        for route in resource["spec"]["http"]
    ]
    for patch in patches(mesh_named(case), "HTTP_ROUTE"):
        if patch["match"]["context"] != INBOUND:
            assert patch["match"]["routeConfiguration"]["vhost"]["route"]["name"] in routes
    subsets = {
        (resource["spec"]["host"], subset["name"])
        for resource in resources
        if resource["kind"] == "DestinationRule"
        for subset in resource["spec"]["subsets"]
    }
    for patch in patches(mesh_named(case), "CLUSTER"):
        for cluster in patch["patch"]["value"]["cluster_type"]["typed_config"]["clusters"]:
            _, _, subset, host = cluster.split("|")
            assert (host, subset) in subsets


@pytest.mark.parametrize("case", NAMES)
def test_a_route_that_answers_itself_is_not_patched(case: str) -> None:
    """Envoy has an action or a direct response for a route, not both."""
    answering = {
        route["name"]
        for resource in emitted(mesh_named(case))
        if resource["kind"] == "VirtualService"
        for route in resource["spec"]["http"]
        if "directResponse" in route
    }
    for patch in patches(mesh_named(case), "HTTP_ROUTE"):
        if patch["match"]["context"] != INBOUND:
            vhost = patch["match"]["routeConfiguration"]["vhost"]
            assert vhost["route"]["name"] not in answering


def test_without_envoy_filters_there_is_no_fallback() -> None:
    lanes = [
        lane("s1", "a", rule("a", uri=exact("/x"))),
        lane("s2", "a", rule("a", uri=exact("/x"))),
    ]
    declared = mesh([group("a", trace_header="x-lane")], lanes, [service("a")])
    ready = [name("a-v-s1")]
    request = Request(path="/x", headers={"x-lane": "s2"})
    whole = emitted(declared)
    path = Istio(declared, whole, ready).path(request, 80, Applications(), 0)
    assert path == [("a.default.svc.cluster.local", (name("a-v-s1"),))]
    less = [resource for resource in whole if resource["kind"] != "EnvoyFilter"]
    path = Istio(declared, less, ready).path(request, 80, Applications(), 0)
    assert path == [("a.default.svc.cluster.local", ()), 503]


def test_a_change_of_one_lane_changes_no_other_lanes_resources() -> None:
    services = [service("a"), service("b"), service("c")]
    some = [lane("s1", "a b c", rule("a")), lane("s2", "b")]
    before = emitted(mesh([group("a b c")], some, services))
    after = emitted(mesh([group("a b c")], [*some, lane("s3", "c")], services))
    changed = {(r["kind"], r["metadata"]["name"]) for r in after if r not in before}
    assert changed == {
        ("DestinationRule", "c-lanes"),
        ("VirtualService", "c-lanes"),
        ("EnvoyFilter", "c.default-lanes"),
    }
    names = {(r["kind"], r["metadata"]["name"]) for r in before}
    assert names == {(r["kind"], r["metadata"]["name"]) for r in after}
