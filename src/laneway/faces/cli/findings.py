"""Findings for people: in colour on a terminal, one line each anywhere else."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from laneway.faces.cli.terminals import print_hanging
from laneway.model.findings import Finding, Severity

_STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.NOTE: "bold cyan",
}


#: Findings that are printed. Nobody reads more, and printing takes longer than finding them.
MOST = 1_000


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """The findings in order, and how many there are."""
    for finding in findings[:MOST]:
        if console.is_terminal:
            _print_block(console, finding)
        else:
            console.print(str(finding), soft_wrap=True)
    if len(findings) > MOST:
        text = f"{len(findings) - MOST:,} more are not printed; --output json has them all."
        console.print(Text(text), soft_wrap=True)
    if findings:
        console.print(Text(f"{count(findings)}.", style="bold"))


def count(findings: Sequence[Finding]) -> str:
    """``2 errors, 1 warning``."""
    numbers = [
        f"{number:,} {severity.value}{'' if number == 1 else 's'}"
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
    print_hanging(console, Text(), head)
    place = ", ".join(
        part
        for part in (str(finding.source or ""), str(finding.subject or ""), finding.field)
        if part
    )
    example = str(finding.example or "")
    for mark, text in (("at", place), ("fix", finding.fix), ("try", example)):
        if text:
            print_hanging(console, Text(f"  {mark:3}  ", "cyan"), Text(text))
    console.print()
