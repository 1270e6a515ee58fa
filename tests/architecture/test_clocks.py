"""Nothing that routes, probes or supervises looks at the wall clock: it may be set at any time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "laneway"
# What people read may have a time of day, and certificates and leases of a cluster are dated.
PEOPLE = {"faces", "kube", "operators.py"}
WALL_CLOCKS = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow")}


def modules() -> list[Path]:
    return [
        path
        for path in sorted(SOURCE.rglob("*.py"))
        if PEOPLE.isdisjoint(path.relative_to(SOURCE).parts)
    ]


def wall_clocks(tree: ast.AST) -> Iterator[int]:
    """The lines that read a clock which can be set."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if (name, node.attr) in WALL_CLOCKS:
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (node.lineno for name in node.names if name.name in ("time", "time_ns"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_reads_the_wall_clock(path: Path) -> None:
    assert list(wall_clocks(ast.parse(path.read_text()))) == []


def test_a_wall_clock_would_be_found() -> None:
    source = "import time, datetime\nfrom time import time\ntime.time()\ndatetime.datetime.now()\n"
    assert sorted(wall_clocks(ast.parse(source))) == [2, 3, 4]
