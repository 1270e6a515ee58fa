"""What the reader says of bad input, word for word: ``tests/golden/errors/<case>``."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from laneway.adapters.files import read
from laneway.model.codes import Code
from laneway.model.findings import Finding, InvalidInput

ROOT = Path(__file__).parents[2] / "golden" / "errors"
CASES = sorted(path.parent.name for path in ROOT.glob("*/input.yaml"))


def findings_of(case: str) -> tuple[Finding, ...]:
    try:
        return read([str(ROOT / case / "input.yaml")]).findings
    except InvalidInput as invalid:
        return invalid.findings


@pytest.mark.parametrize("case", CASES)
def test_findings(case: str, golden: Callable[[Path, str], None]) -> None:
    lines = [f"{finding}\n".replace(f"{ROOT / case}/", "") for finding in findings_of(case)]
    golden(ROOT / case / "findings.txt", "".join(lines))


def test_no_case_is_left_behind() -> None:
    outputs = {path.parent.name for path in ROOT.glob("*/findings.txt")}
    assert outputs <= set(CASES)


def test_every_finding_says_where_and_what() -> None:
    for case in CASES:
        for finding in findings_of(case):
            assert finding.source is not None or finding.code == Code.NOTHING_DECLARED
            assert not re.search(r"<class|pydantic|\bNone\b|Traceback", str(finding)), finding
