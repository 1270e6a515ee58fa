"""Golden resources for Gateway API: of the meshes that Istio's golden resources are of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.compile.gateway_api.emission import emitted, report
from tests.compile.gateway_api.validation import problems
from tests.compile.golden_cases import NAMES, ROOT, mesh_named
from tests.compile.golden_documents import WITH_GATEWAY, golden_texts

from laneway.compile.gateway_api.options import Options

FOLDER = ROOT / "tests/golden/gateway-api"


@pytest.mark.parametrize("name", NAMES)
def test_resources_and_report_are_the_golden_ones(
    name: str, golden: Callable[[Path, str], None]
) -> None:
    declared, options = mesh_named(name), WITH_GATEWAY.get(name, Options())
    assert [problem for each in emitted(declared, options) for problem in problems(each)] == []
    for file, expected in golden_texts("gateway-api", name).items():
        golden(FOLDER / name / file, expected)
    findings = "".join(f"{finding}\n" for finding in report(declared, options))
    golden(FOLDER / name / "report.txt", findings)


def test_no_golden_file_is_left_behind() -> None:
    found = {path for path in FOLDER.rglob("*") if path.is_file()}
    expected = {
        FOLDER / name / file for name in NAMES for file in golden_texts("gateway-api", name)
    }
    assert {path for path in found if path.name != "report.txt"} == expected
    assert {path.parent.name for path in found} == set(NAMES)
