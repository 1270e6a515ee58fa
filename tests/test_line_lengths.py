"""Lines of the documentation wrap at 100 columns; tables, code, headings and images do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COLUMNS = 100
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(
            page
            for folder in ("docs", "examples", "tests")
            for page in (ROOT / folder).rglob("*.md")
        ),
    ]
)


def prose(text: str) -> Iterator[tuple[int, str]]:
    """The lines that can be wrapped, each with its number."""
    code = False
    for number, line in enumerate(text.splitlines(), 1):
        start = line.lstrip()
        if start.startswith("```"):
            code = not code
        elif not code and not start.startswith(("|", "#", "![", "<")):
            yield number, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_prose_wraps_at_100_columns(page: Path) -> None:
    """A Chinese character counts as one. A link that is alone on its line may be longer."""
    lines = prose(page.read_text(encoding="utf-8"))
    assert [(number, line) for number, line in lines if len(line) > COLUMNS and " " in line] == []
