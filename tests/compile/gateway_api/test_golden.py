"""Golden resources for Gateway API: of the meshes that Istio's golden resources are of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.compile.cases import ROOT
from tests.compile.gateway_api.emission import emitted, report
from tests.compile.gateway_api.validation import problems
from tests.compile.istio.test_golden import NAMES, mesh

from laneway.compile.gateway_api.options import Options
from laneway.schema.yaml_text import dump_all

FOLDER = ROOT / "tests/golden/gateway-api"
#: Those whose gateways are rendered, too.
WITH_GATEWAY = {"scenario-2": Options("example")}


@pytest.mark.parametrize("name", NAMES)
def test_resources_and_report_are_the_golden_ones(
    name: str, golden: Callable[[Path, str], None]
) -> None:
    declared, options = mesh(name), WITH_GATEWAY.get(name, Options())
    resources = emitted(declared, options)
    assert [problem for resource in resources for problem in problems(resource)] == []
    golden(FOLDER / name / "gateway-api.yaml", dump_all(resources))
    told = "".join(f"{finding}\n" for finding in report(declared, options))
    golden(FOLDER / name / "report.txt", told)


def test_no_golden_file_is_left_behind() -> None:
    assert {path.parent.name for path in FOLDER.rglob("gateway-api.yaml")} == set(NAMES)
