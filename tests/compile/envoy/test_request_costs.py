"""What a request pays for at a sidecar. `bench_hop_instructions` shows what each of these costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.e2e.scenarios import SCENARIOS

from laneway.compile.envoy.documents import document
from laneway.compile.envoy.emitter import emit
from laneway.compile.envoy.names import HOST_HEADER
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.lower import lower
from laneway.compile.placeholder_placements import placeholder_placements
from laneway.compile.resources import ENDPOINT, LISTENER, ROUTE, Snapshot

Document = Mapping[str, Any]
MESH = SCENARIOS[0].mesh
SNAPSHOTS = emit(
    MESH, lower(MESH), placeholder_placements(MESH), Options(FilterModule("filter.so", native=True))
)


def sidecars() -> list[Snapshot]:
    return [each for node, each in SNAPSHOTS.items() if node.startswith("sidecar~")]


def documents(snapshot: Snapshot, type_url: str) -> list[Document]:
    return [document(each) for each in snapshot.resources(type_url).values()]


def managers(snapshot: Snapshot) -> Iterator[Document]:
    for listener in documents(snapshot, LISTENER):
        yield listener["filter_chains"][0]["filters"][0]["typed_config"]


@pytest.fixture(params=sidecars())
def sidecar(request: pytest.FixtureRequest) -> Snapshot:
    assert isinstance(request.param, Snapshot)
    return request.param


def test_a_request_to_a_service_passes_no_filter_but_the_router(sidecar: Snapshot) -> None:
    filters = {
        each["name"]
        for manager in managers(sidecar)
        for each in manager["http_filters"]
        if not each.get("disabled")
    }
    services = [each for each in documents(sidecar, ROUTE) if each["name"].startswith("outbound|")]
    assert services
    for routes in services:
        off = {name for name, each in routes["typed_per_filter_config"].items() if each["disabled"]}
        assert filters - off == {"envoy.filters.http.router"}


def test_no_status_codes_are_counted_by_cluster() -> None:
    """They would be 6 % of a hop, and nothing reads them."""
    routers = [
        each["typed_config"]
        for snapshot in SNAPSHOTS.values()
        for manager in managers(snapshot)
        for each in manager["http_filters"]
        if each["name"] == "envoy.filters.http.router"
    ]
    assert routers
    assert not any(router["dynamic_stats"] for router in routers)


def test_the_only_timer_of_a_request_is_that_of_its_headers(sidecar: Snapshot) -> None:
    timers = ("request_headers_timeout", "request_timeout", "stream_idle_timeout")
    for manager in managers(sidecar):
        assert [manager.get(timer, "0s") for timer in timers] == ["10s", "0s", "0s"]


def test_one_header_is_set_to_choose_the_routes_of_a_service(sidecar: Snapshot) -> None:
    outbound = [each for each in managers(sidecar) if "scoped_routes" in each]
    assert outbound
    for manager in outbound:
        mutations = [
            mutation
            for each in manager["early_header_mutation_extensions"]
            if each["name"] == "envoy.http.early_header_mutation.header_mutation"
            for mutation in each["typed_config"]["mutations"]
        ]
        assert [each["append"]["header"]["key"] for each in mutations] == [HOST_HEADER]


def test_the_lane_that_served_is_counted_by_the_name_of_its_endpoints(sidecar: Snapshot) -> None:
    """Metadata of endpoints costs 1,400 instructions more to read."""
    assignments = documents(sidecar, ENDPOINT)
    counted = 0
    for assignment in assignments:
        for locality in assignment.get("endpoints", ()):
            for each in locality.get("lb_endpoints", ()):
                if "metadata" in each:
                    lane = each["metadata"]["filter_metadata"]["laneway"]["lane"]
                    assert each["endpoint"]["hostname"] == (lane or "-")
                    counted += 1
    assert counted
    loggers = [
        each["typed_config"]["value"]["histograms"][0]["stat"]
        for manager in managers(sidecar)
        for each in manager["access_log"]
        if each["name"] == "envoy.access_loggers.stats"
    ]
    one_tag = [{"name": "pair", "value_format": "%UPSTREAM_CLUSTER_RAW%|%UPSTREAM_HOST_NAME%"}]
    assert loggers
    assert all(each["tags"] == one_tag for each in loggers)
