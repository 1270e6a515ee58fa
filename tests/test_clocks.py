"""A clock that is stepped moves nothing: durations come from monotonic clocks alone.

This reads the sources; ``tests/e2e/test_clock_step.py`` steps the clock of a running mesh.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src" / "laneway"
FLOORS = ("model", "compile", "control", "adapters")
WALL_CLOCKS = {
    *("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime"),
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
}


def readings(source: str) -> list[str]:
    """The wall clocks that a module reads, or could after importing them by name."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            found.append(".".join(ast.unparse(node).split(".")[-2:]))
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            found += [f"time.{name.name}" for name in node.names]
    return [name for name in found if name in WALL_CLOCKS]


@pytest.mark.parametrize("floor", FLOORS)
def test_no_wall_clock_is_read(floor: str) -> None:
    modules = sorted((SOURCES / floor).rglob("*.py"))
    assert modules
    assert {str(m): r for m in modules if (r := readings(m.read_text()))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import time\nnow = time.time()",
        "from time import time_ns",
        "from datetime import datetime\nnow = datetime.now()",
        "import datetime\nnow = datetime.datetime.now(datetime.UTC)",
    ],
)
def test_a_reading_would_be_found(source: str) -> None:
    assert readings(source)
