"""Golden meshes: each case's documents for ASM and Envoy, and calls that the simulator answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.compile.cases import CASES, FOLDER, Call, calls_of, mesh_of, simulated, text

from laneway.compile.asm.documents import emit as emit_asm
from laneway.compile.envoy import names
from laneway.compile.envoy.documents import documents
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.envoy.snapshots import emit
from laneway.compile.lower import lower
from laneway.compile.nominal_placements import nominal_placements
from laneway.compile.resources import CLUSTER, ENDPOINT, LISTENER, ROUTE, SCOPE, Snapshot
from laneway.model.meshes import Mesh
from laneway.model.selection import Selection
from laneway.schema.yaml_text import dump_all

OPTIONS = Options(FilterModule("/opt/laneway/trace_memory.wasm"))
FILES = {
    CLUSTER: "clusters.yaml",
    ENDPOINT: "endpoints.yaml",
    LISTENER: "listeners.yaml",
    ROUTE: "routes.yaml",
    SCOPE: "scopes.yaml",
}
CALLS = [
    pytest.param(case, call, id=f"{case.name}: {call['about']}")
    for case in CASES
    for call in calls_of(case)
]


def snapshots_of(mesh: Mesh) -> Mapping[str, Snapshot]:
    return emit(mesh, lower(mesh), nominal_placements(mesh), OPTIONS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_asm_documents_are_the_golden_ones(case: Path, golden: Callable[[Path, str], None]) -> None:
    mesh = mesh_of(case)
    golden(case / "asm.yaml", dump_all(emit_asm(mesh, lower(mesh))))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_envoy_documents_are_the_golden_ones(
    case: Path, golden: Callable[[Path, str], None]
) -> None:
    """Of the sidecars only the first of each service: the others' differ in addresses."""
    mesh = mesh_of(case)
    selection = Selection(mesh)
    firsts = {selection.workloads(service)[0].name for service in mesh.services}
    others = {names.sidecar_node(w.name) for w in mesh.workloads if w.name not in firsts}
    kept = {node: s for node, s in snapshots_of(mesh).items() if node not in others}
    found = list(documents(kept))
    for type_url, file in FILES.items():
        ours = [document for document in found if document["resource"]["@type"] == type_url]
        golden(case / file, dump_all(ours))


@pytest.mark.parametrize(("case", "call"), CALLS)
def test_requests_take_the_path_expected(case: Path, call: Call) -> None:
    mesh = mesh_of(case)
    outcome = simulated(mesh, call)
    assert [text(mesh, hop) for hop in outcome.hops] == call.get("hops", [])
    assert (outcome.failure.status if outcome.failure else None) == call.get("failure")


def test_no_golden_file_is_left_behind() -> None:
    written = {"asm.yaml", *FILES.values()}
    expected = {case / file for case in CASES for file in (*written, "calls.yaml")}
    found = {path for path in FOLDER.rglob("*") if path.is_file() and path.name != "mesh.yaml"}
    assert found == expected
    assert {path.parent for path in FOLDER.rglob("mesh.yaml")} <= set(CASES)


def versions() -> dict[str, dict[str, str]]:
    """Every version of every golden case's resources, by node and name."""
    return {
        f"{case.name} {node}": {
            f"{type_url} {name}": resource.version
            for type_url in FILES
            for name, resource in snapshot.resources(type_url).items()
        }
        for case in CASES
        for node, snapshot in snapshots_of(mesh_of(case)).items()
    }


@pytest.mark.parametrize("seed", ["1", "2"])
def test_versions_do_not_depend_on_the_order_of_hashes(seed: str) -> None:
    code = f"import json; from {__name__} import versions; print(json.dumps(versions()))"
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    root = FOLDER.parents[2]
    environment["PYTHONPATH"] = os.pathsep.join([str(root), *filter(None, sys.path)])
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=environment, cwd=root, capture_output=True, check=True)
    assert json.loads(result.stdout) == versions()
