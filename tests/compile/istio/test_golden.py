"""Golden Istio resources: those of the golden meshes, and of what only Istio needs shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.compile.cases import CASES, ROOT, mesh_of
from tests.compile.istio.emission import emitted
from tests.compile.istio.validation import problems

from laneway.adapters.files import read
from laneway.compile.istio.limits import limits
from laneway.compile.lower import lower
from laneway.model.meshes import Mesh
from laneway.schema.yaml_text import dump_all

FOLDER = ROOT / "tests/golden/istio"
OWN = sorted(path.parent for path in FOLDER.glob("*/mesh.yaml"))
NAMES = sorted({case.name for case in (*CASES, *OWN)})


def mesh(name: str) -> Mesh:
    own = FOLDER / name / "mesh.yaml"
    if own.exists():
        return read([str(own)]).mesh
    return mesh_of(next(case for case in CASES if case.name == name))


@pytest.mark.parametrize("name", NAMES)
def test_resources_and_report_are_the_golden_ones(
    name: str, golden: Callable[[Path, str], None]
) -> None:
    declared = mesh(name)
    resources = emitted(declared)
    assert [problem for resource in resources for problem in problems(resource)] == []
    golden(FOLDER / name / "istio.yaml", dump_all(resources))
    report = "".join(f"{finding}\n" for finding in limits(declared, lower(declared)))
    golden(FOLDER / name / "report.txt", report)


def test_no_golden_file_is_left_behind() -> None:
    assert {path.parent.name for path in FOLDER.rglob("istio.yaml")} == set(NAMES)
