"""Envoy itself accepts what is emitted: the golden cases, and meshes of every kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from envoy.config.route.v3 import route_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.compile import rule_documents
from tests.compile.envoy.bootstraps import complaints, static_bootstrap
from tests.compile.golden_cases import CASES, mesh_of
from tests.compile.mesh_strategies import meshes
from tests.compile.meshes import GATEWAY, group, lane, mesh, prefix, rule, service
from tests.compile.meshes import regex as any_regex

from laneway.adapters.runner.binary import find_envoy
from laneway.compile.envoy.emitter import emit
from laneway.compile.envoy.names import gateway_node
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.lower import lower
from laneway.compile.placeholder_placements import placeholder_placements
from laneway.compile.resources import ROUTE
from laneway.filter import module_path
from laneway.model.meshes import Mesh
from laneway.model.regexes import PROXY_PROGRAM_SIZE, fault
from laneway.schema.fields import Shape
from laneway.schema.ingress_rules import IngressRuleSpec
from laneway.schema.lane_sources import StickySpec

S = TypeVar("S", bound=Shape)

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

ENVOY = find_envoy().path
EVERYTHING = Options(FilterModule(str(module_path())), explain="token", access_log="access.log")


def judged(declared: Mesh, folder: Path) -> str:
    snapshots = emit(declared, lower(declared), placeholder_placements(declared), EVERYTHING)
    return complaints(ENVOY, static_bootstrap(snapshots), folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden_cases_are_accepted(case: Path, tmp_path: Path) -> None:
    assert judged(mesh_of(case), tmp_path) == ""


@given(meshes())
@settings(max_examples=settings().max_examples // 5)
def test_any_mesh_is_accepted(declared: Mesh) -> None:
    with TemporaryDirectory() as folder:
        assert judged(declared, Path(folder)) == ""


@given(st.lists(rule_documents.rules, min_size=30, max_size=60), rule_documents.stickies)
@settings(max_examples=settings().max_examples // 5, suppress_health_check=[*HealthCheck])
def test_rules_that_are_valid_are_accepted(
    documents: list[rule_documents.Rule], sticky: dict[str, str] | None
) -> None:
    """Whatever somebody writes: what passes ``validate``, Envoy takes."""
    rules = [spec.rule for each in documents if (spec := read(IngressRuleSpec, each))]
    told_apart = read(StickySpec, sticky) if sticky else None
    kept = told_apart.sticky if told_apart else None
    lanes = [lane("s1", "a", *rules, weight=40), lane("s2", "a", *rules[::2], weight=60)]
    declared = mesh([group("a", sticky=kept)], lanes, [service("a")])
    gateway = replace(declared, workloads=declared.workloads[:1])
    with TemporaryDirectory() as folder:
        assert judged(gateway, Path(folder)) == ""


def read(shape: type[S], document: dict[str, Any]) -> S | None:
    try:
        return shape.model_validate(document)
    except ValidationError:
        return None


def test_the_longest_names_and_values_of_headers_are_accepted(tmp_path: Path) -> None:
    """What the schema takes, the lane filter and Envoy take, too."""
    longest = ["x" * 256, "y" * 256]
    changed = {f"x-{number}": "a" for number in range(499)} | {"x-percent": "%" * 8192}
    document = {
        **{"name": "r", "destination": "a", "headers": {longest[0]: {"exact": "b"}}},
        "actions": {"headers": {"request": {"set": changed}, "response": {"add": changed}}},
    }
    spec = read(IngressRuleSpec, document)
    assert spec is not None
    grouped = group("a", route_header=longest[0], trace_header=longest[1])
    declared = mesh([grouped], [lane("s1", "a", spec.rule)], [service("a")])
    assert judged(declared, tmp_path) == ""


@pytest.mark.parametrize(
    "regex",
    [
        "(((a{30}){30}){30}){30}",
        r"\x{100}",
        "[a-c]?" * 20_000,
        "x" * (PROXY_PROGRAM_SIZE + 1),
        "(?=a)",
        r"(a)\1",
        "a++",
        "a{1001}",
        "(",
    ],
)
def test_a_regex_that_envoy_refuses_has_a_fault(regex: str, tmp_path: Path) -> None:
    declared = mesh(
        [group("a")], [lane("s1", "a", rule("a", uri=any_regex(regex)))], [service("a")]
    )
    assert judged(declared, tmp_path) != ""
    assert fault(regex)


def test_lanes_in_one_regex_have_half_of_what_envoy_takes() -> None:
    """Also where their names have nothing in common, which is the most that they can need."""
    many = [lane(f"{number * 7919 % 100_000:05}", "", rule("a")) for number in range(3_000)]
    declared = mesh([group("a")], [lane("s1", "a"), *many], [service("a")])
    snapshots = emit(declared, lower(declared), placeholder_placements(declared), EVERYTHING)
    found = [
        header.string_match.safe_regex.regex
        for resource in snapshots[gateway_node(GATEWAY)].resources(ROUTE).values()
        for host in route_pb2.RouteConfiguration.FromString(resource.body).virtual_hosts
        for route in host.routes
        for header in route.match.headers
        if header.string_match.HasField("safe_regex")
    ]
    assert len(found) > 1
    assert [regex for regex in found if fault(regex)] == []


def test_a_rule_of_more_lanes_than_one_regex_may_name_is_accepted(tmp_path: Path) -> None:
    """With the longest of names: each part of the route names as many as Envoy lets it."""
    wide, own = rule("a"), rule("a", uri=prefix("/own"))
    many = [lane(f"{number:06}{'.x-' * 19}", "", wide, own) for number in range(1000)]
    declared = mesh([group("a")], [lane("s1", "a", wide), *many], [service("a")])
    named = lower(declared).gateways[GATEWAY].servers[0].virtual_hosts[0].routes[0].named
    assert named is not None
    assert len(named.lanes) == 1000
    gateway = replace(declared, workloads=declared.workloads[:1])
    assert judged(gateway, tmp_path) == ""


def test_what_is_wrong_is_seen(tmp_path: Path) -> None:
    declared = mesh_of(CASES[0])
    snapshots = emit(declared, lower(declared), placeholder_placements(declared), EVERYTHING)
    configuration = static_bootstrap(snapshots)
    gone = configuration["static_resources"]["clusters"].pop(0)["name"]
    assert f"unknown cluster '{gone}'" in complaints(ENVOY, configuration, tmp_path)
