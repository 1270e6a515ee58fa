"""Envoy itself accepts what is emitted: the golden cases, and meshes of every kind."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from tests.compile.cases import CASES, mesh_of
from tests.compile.envoy.bootstraps import complaints, static_bootstrap
from tests.compile.landscapes import meshes

from laneway.adapters.runner.binary import find_envoy
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.envoy.snapshots import emit
from laneway.compile.lower import lower
from laneway.compile.nominal import nominal_placements
from laneway.filter import module_path
from laneway.model.meshes import Mesh

pytestmark = pytest.mark.envoy

ENVOY = find_envoy().path
EVERYTHING = Options(FilterModule(str(module_path())), explain="token", access_log="access.log")


def judged(mesh: Mesh, folder: Path) -> str:
    snapshots = emit(mesh, lower(mesh), nominal_placements(mesh), EVERYTHING)
    return complaints(ENVOY, static_bootstrap(snapshots), folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden_cases_are_accepted(case: Path, tmp_path: Path) -> None:
    assert judged(mesh_of(case), tmp_path) == ""


@given(meshes())
@settings(max_examples=25, derandomize=True)
def test_any_mesh_is_accepted(mesh: Mesh) -> None:
    with TemporaryDirectory() as folder:
        assert judged(mesh, Path(folder)) == ""


def test_what_is_wrong_is_seen(tmp_path: Path) -> None:
    mesh = mesh_of(CASES[0])
    snapshots = emit(mesh, lower(mesh), nominal_placements(mesh), EVERYTHING)
    configuration = static_bootstrap(snapshots)
    gone = configuration["static_resources"]["clusters"].pop(0)["name"]
    assert f"unknown cluster '{gone}'" in complaints(ENVOY, configuration, tmp_path)
