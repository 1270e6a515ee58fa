"""Envoy itself accepts what is emitted: the golden cases, and meshes of every kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from tests.compile.cases import CASES, mesh_of
from tests.compile.envoy.bootstraps import complaints, static_bootstrap
from tests.compile.landscapes import meshes
from tests.compile.meshes import GATEWAY, group, lane, mesh, prefix, rule, service

from laneway.adapters.runner.binary import find_envoy
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.envoy.snapshots import emit
from laneway.compile.lower import lower
from laneway.compile.nominal_placements import nominal_placements
from laneway.filter import module_path
from laneway.model.meshes import Mesh

pytestmark = pytest.mark.envoy

ENVOY = find_envoy().path
EVERYTHING = Options(FilterModule(str(module_path())), explain="token", access_log="access.log")


def judged(declared: Mesh, folder: Path) -> str:
    snapshots = emit(declared, lower(declared), nominal_placements(declared), EVERYTHING)
    return complaints(ENVOY, static_bootstrap(snapshots), folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden_cases_are_accepted(case: Path, tmp_path: Path) -> None:
    assert judged(mesh_of(case), tmp_path) == ""


@given(meshes())
@settings(max_examples=25, derandomize=True)
def test_any_mesh_is_accepted(declared: Mesh) -> None:
    with TemporaryDirectory() as folder:
        assert judged(declared, Path(folder)) == ""


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
    snapshots = emit(declared, lower(declared), nominal_placements(declared), EVERYTHING)
    configuration = static_bootstrap(snapshots)
    gone = configuration["static_resources"]["clusters"].pop(0)["name"]
    assert f"unknown cluster '{gone}'" in complaints(ENVOY, configuration, tmp_path)
