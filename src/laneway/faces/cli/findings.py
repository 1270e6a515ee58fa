"""Findings for people: in colour on a terminal, one line each anywhere else."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laneway.model.findings import Finding, Severity

_STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.NOTE: "bold cyan",
}


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Every finding, in order, and how many there are."""
    for finding in findings:
        if console.is_terminal:
            _print_block(console, finding)
        else:
            console.print(str(finding), soft_wrap=True)
    if findings:
        console.print(Text(f"{count(findings)}.", style="bold"))


def count(findings: Sequence[Finding]) -> str:
    """``2 errors, 1 warning``."""
    numbers = [
        f"{number} {severity.value}{'' if number == 1 else 's'}"
        for severity in Severity
        if (number := sum(finding.severity is severity for finding in findings))
    ]
    return ", ".join(numbers) or "no problems"


def _print_block(console: Console, finding: Finding) -> None:
    """What is wrong, where (as editors follow it), and what would be right."""
    style = _STYLES[finding.severity]
    head = Text.assemble(
        (f"{finding.severity.value}: ", style),
        (finding.message, "bold"),
        (f"  {finding.code}", "dim"),
    )
    console.print(head)
    place = ", ".join(
        part
        for part in (str(finding.source or ""), str(finding.subject or ""), finding.field)
        if part
    )
    grid = Table.grid(padding=(0, 2, 0, 0))
    example = str(finding.example or "")
    for mark, text in (("at", place), ("fix", finding.fix), ("try", example)):
        if text:
            grid.add_row(Text(f"  {mark}", "cyan"), Text(text))
    if grid.row_count:
        console.print(grid)
    console.print()
