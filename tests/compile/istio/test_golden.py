"""Golden Istio resources: those of the golden meshes, and of what only Istio needs shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.compile.golden_cases import NAMES, ROOT, mesh_named
from tests.compile.golden_documents import golden_texts
from tests.compile.istio.emission import emitted
from tests.compile.istio.validation import problems

from laneway.compile.istio.limits import limits
from laneway.compile.lower import lower

FOLDER = ROOT / "tests/golden/istio"


@pytest.mark.parametrize("name", NAMES)
def test_resources_and_report_are_the_golden_ones(
    name: str, golden: Callable[[Path, str], None]
) -> None:
    declared = mesh_named(name)
    assert [problem for each in emitted(declared) for problem in problems(each)] == []
    for file, expected in golden_texts("istio", name).items():
        golden(FOLDER / name / file, expected)
    report = "".join(f"{finding}\n" for finding in limits(declared, lower(declared)))
    golden(FOLDER / name / "report.txt", report)


def test_no_golden_file_is_left_behind() -> None:
    found = {path for path in FOLDER.rglob("*") if path.is_file()}
    expected = {FOLDER / name / file for name in NAMES for file in golden_texts("istio", name)}
    assert {path for path in found if path.name not in ("mesh.yaml", "report.txt")} == expected
    assert {path.parent.name for path in found} == set(NAMES)
