"""Names stay whole on terminals of any width."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from laneway.faces.cli.findings import print_findings
from laneway.model.findings import Finding, ObjectKey, Source

from .conftest import Cli

WIDTHS = (20, 40, 60, 80, 200)
LONG = "mocka-with-a-name-as-long-as-kubernetes-has-them-which-is-63-ch"


@pytest.mark.parametrize("width", WIDTHS)
def test_explain_cuts_no_name(
    cli: Cli, copy: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    folder = copy(v2=("mocka-v2", LONG))
    monkeypatch.setenv("COLUMNS", str(width))
    for header in ("x-asm-prefer-tag: s2", "x-asm-prefer-tag: s3"):
        out = run(cli, folder, header)
        for name in ("mocka", "mockb", "mockc", "my-request-id", "x-asm-prefer-tag", "default/"):
            assert name in out.replace("mocka-", "")
        assert "…" not in out
    assert f"answered by {LONG}" in run(cli, folder, "x-asm-prefer-tag: s2") or width == 200


def run(cli: Cli, folder: Path, header: str) -> str:
    out = cli("explain", "-f", folder, "--path", "/mock", "-H", header).out
    lines = [line.strip() for line in out.splitlines()]
    return " ".join(lines[:-1])  # the summary is one line, whatever its length


@pytest.mark.parametrize("width", WIDTHS)
def test_findings_cut_no_name(width: int) -> None:
    finding = Finding(
        code="UNKNOWN_SERVICE",
        message=f"there is no Service default/{LONG}",
        fix="did you mean default/mockc?",
        subject=ObjectKey("Lane", f"test/{LONG}"),
        path=("spec", "services", 1),
        source=Source(f"some/folder/{LONG}.yaml", 4, 70),
    )
    console = Console(
        file=io.StringIO(), force_terminal=True, color_system=None, width=width, markup=False
    )
    print_findings(console, [finding])
    assert isinstance(console.file, io.StringIO)
    text = " ".join(console.file.getvalue().split())
    for name in (
        f"default/{LONG}",
        f"test/{LONG},",
        f"some/folder/{LONG}.yaml:70",
        "default/mockc",
    ):
        assert name in text
