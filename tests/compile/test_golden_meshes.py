"""Golden meshes: each case's documents for ASM and Envoy, and calls that the simulator answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.compile.golden_cases import CASES, FOLDER, Call, calls_of, mesh_of, simulated, text
from tests.compile.golden_documents import ENVOY_TYPES, golden_texts, snapshots_of

CALLS = [
    pytest.param(case, call, id=f"{case.name}: {call['about']}")
    for case in CASES
    for call in calls_of(case)
]


@pytest.mark.parametrize("dialect", ["asm", "envoy"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_documents_are_the_golden_ones(
    case: Path, dialect: str, golden: Callable[[Path, str], None]
) -> None:
    for file, expected in golden_texts(dialect, case.name).items():
        golden(case / file, expected)


@pytest.mark.parametrize(("case", "call"), CALLS)
def test_requests_take_the_path_expected(case: Path, call: Call) -> None:
    mesh = mesh_of(case)
    outcome = simulated(mesh, call)
    assert [text(mesh, hop) for hop in outcome.hops] == call.get("hops", [])
    assert (outcome.failure.status if outcome.failure else None) == call.get("failure")


def test_no_golden_file_is_left_behind() -> None:
    expected = {
        case / file
        for case in CASES
        for dialect in ("asm", "envoy")
        for file in (*golden_texts(dialect, case.name), "calls.yaml")
    }
    found = {path for path in FOLDER.rglob("*") if path.is_file() and path.name != "mesh.yaml"}
    assert found == expected
    assert {path.parent for path in FOLDER.rglob("mesh.yaml")} <= set(CASES)


def versions() -> dict[str, dict[str, str]]:
    """Every version of every golden case's resources, by node and name."""
    return {
        f"{case.name} {node}": {
            f"{type_url} {name}": resource.version
            for type_url in ENVOY_TYPES.values()
            for name, resource in snapshot.resources(type_url).items()
        }
        for case in CASES
        for node, snapshot in snapshots_of(mesh_of(case)).items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["1", "2"])
def test_versions_do_not_depend_on_the_order_of_hashes(seed: str) -> None:
    code = f"import json; from {__name__} import versions; print(json.dumps(versions()))"
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    root = FOLDER.parents[2]
    environment["PYTHONPATH"] = os.pathsep.join([str(root), *filter(None, sys.path)])
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=environment, cwd=root, capture_output=True, check=True)
    assert json.loads(result.stdout) == versions()
