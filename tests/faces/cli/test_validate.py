from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from laneway.faces.cli.findings import print_findings
from laneway.model.findings import Finding, ObjectKey, Severity, Source

from .conftest import Cli


@pytest.mark.parametrize("folder", ["scenario-1", "scenario-2", "asm"])
def test_the_examples_are_valid(cli: Cli, examples: Path, folder: str) -> None:
    result = cli("validate", "-f", examples / folder)
    assert result.code == 0
    assert result.out == (
        "valid: 17 objects: 1 lane group, 3 lanes, 3 services, 9 workloads, 1 gateway.\n"
    )


def test_files_may_follow_one_option_as_a_shell_expands_them(cli: Cli, examples: Path) -> None:
    files = sorted((examples / "scenario-1").glob("*.yaml"))
    assert cli("validate", "-f", *files).code == 0


def test_standard_input(cli: Cli, examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = sorted((examples / "scenario-1").glob("*.yaml"))
    text = "---\n".join(file.read_text() for file in files)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert cli("validate", "-f", "-").code == 0


def test_every_finding_is_one_line_with_its_place(cli: Cli, copy: Callable[..., Path]) -> None:
    folder = copy(s2=("[mocka, mockc]", "[mocka, mockd]"), s3=("[mockb]", "[mockbb]"))
    result = cli("validate", "-f", folder)
    assert result.code == 1
    first, second, last = result.out.splitlines()
    assert "lanes.yaml:" in first
    assert "(document 4): error UNKNOWN_SERVICE: Lane test/s2, spec.services[1]: " in first
    assert "(document 5): error UNKNOWN_SERVICE: Lane test/s3, spec.services[0]: " in second
    assert second.endswith("; did you mean default/mockb?")
    assert last == "2 errors."


def test_json(cli: Cli, copy: Callable[..., Path]) -> None:
    result = cli("validate", "-f", copy(field=("mode:", "moed:")), "--output", "json")
    assert result.code == 1
    document = json.loads(result.out)
    (finding,) = document["findings"]
    assert document["valid"] is False
    assert finding["code"] == "UNKNOWN_FIELD"
    assert (finding["kind"], finding["name"], finding["field"]) == (
        "LaneGroup",
        "test",
        "spec.moed",
    )
    assert (finding["document"], finding["line"]) == (2, 30)


def test_json_of_valid_files_counts_objects(cli: Cli, examples: Path) -> None:
    document = json.loads(
        cli("validate", "-f", examples / "asm", "--output", "json").out,
    )
    assert document["objects"] == {
        "lane groups": 1, "lanes": 3, "services": 3, "workloads": 9, "gateways": 1,
    }  # fmt: skip


def test_no_files_is_misuse(cli: Cli) -> None:
    result = cli("validate")
    assert result.code == 2
    assert "-f FILE" in result.message


def test_a_file_that_is_not_there(cli: Cli) -> None:
    result = cli("validate", "-f", "nowhere.yaml")
    assert result.code == 1
    assert result.out.startswith("nowhere.yaml: error FILE_NOT_FOUND: ")


def test_on_a_terminal_a_finding_is_a_block() -> None:
    finding = Finding(
        code="UNKNOWN_SERVICE",
        message="there is no Service default/mockd",
        fix="did you mean default/mockc?",
        subject=ObjectKey("Lane", "test/s2"),
        path=("spec", "services", 1),
        source=Source("lanes.yaml", 4, 70),
    )
    warning = Finding(code="NO_EFFECT", message="it is empty", severity=Severity.WARNING)
    console = Console(
        file=io.StringIO(), force_terminal=True, color_system=None, width=80, markup=False
    )
    print_findings(console, [finding, warning])
    assert isinstance(console.file, io.StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert lines == [
        "error: there is no Service default/mockd  UNKNOWN_SERVICE",
        "  at   lanes.yaml:70 (document 4), Lane test/s2, spec.services[1]",
        "  fix  did you mean default/mockc?",
        "",
        "warning: it is empty  NO_EFFECT",
        "",
        "1 error, 1 warning.",
    ]
