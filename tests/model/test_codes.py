"""Every code is explained, and every code of one input's content has a golden case."""

from __future__ import annotations

import re
from pathlib import Path

from laneway.model.codes import Code

ROOT = Path(__file__).parents[2]
#: Of a path rather than of a text: tests of the files adapter provoke them.
OF_PATHS = {
    Code.BINARY_FILE,
    Code.FILE_NOT_FOUND,
    Code.FILE_TOO_LARGE,
    Code.FILE_UNREADABLE,
    Code.NOT_A_FILE,
    Code.NOT_UTF8,
    Code.NO_YAML_FILES,
    Code.TOO_MANY_ERRORS,  # a hundred lines: test_limits.py
}
#: Of the time at which something is applied.
OF_TIME = {Code.LANE_EXPIRED}


def test_every_code_is_in_the_reference() -> None:
    reference = (ROOT / "docs/reference/findings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| (error|warning) \|", reference, re.MULTILINE)
    assert sorted(code for code, _ in rows) == sorted(Code)


def test_every_code_has_a_golden_case_with_the_severity_of_the_reference() -> None:
    reference = (ROOT / "docs/reference/findings.md").read_text(encoding="utf-8")
    severities = re.findall(r"^\| `([A-Z0-9_]+)` \| (error|warning) \|", reference, re.MULTILINE)
    seen = {
        (code, severity)
        for path in ROOT.glob("tests/golden/errors/*/findings.txt")
        for severity, code in re.findall(r"(error|warning) ([A-Z0-9_]+): ", path.read_text("utf-8"))
    }
    assert {pair for pair in severities if pair[0] not in OF_PATHS | OF_TIME} == seen
