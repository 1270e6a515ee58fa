"""The Chinese pages say what the English ones say: each how-to has one, with the same commands."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for folder in ("docs/how-to", "docs/reference")
    for path in (ROOT / folder).glob("*.md")
    if not path.name.endswith(".zh-CN.md")
)
HOW_TO = [page for page in PAGES if page.parent.name == "how-to"]
TRANSLATED = [page for page in PAGES if page.with_suffix(".zh-CN.md").exists()]


def code(page: Path) -> list[str]:
    """The lines of code blocks, without comments, which are translated."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    lines = [re.sub(r"\s+#\s.*|^#\s.*", "", line).rstrip() for line in "".join(blocks).splitlines()]
    return [line for line in lines if line]


@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.stem)
def test_each_how_to_is_there_in_chinese(page: Path) -> None:
    assert page in TRANSLATED


@pytest.mark.parametrize("page", TRANSLATED, ids=lambda page: page.stem)
def test_code_is_the_same_in_both_languages(page: Path) -> None:
    english, chinese = Counter(code(page)), Counter(code(page.with_suffix(".zh-CN.md")))
    assert (english - chinese, chinese - english) == (Counter(), Counter())


@pytest.mark.parametrize("page", TRANSLATED, ids=lambda page: page.stem)
def test_the_pages_link_to_each_other(page: Path) -> None:
    translation = page.with_suffix(".zh-CN.md")
    assert f"({translation.name})" in page.read_text(encoding="utf-8")
    assert f"({page.name})" in translation.read_text(encoding="utf-8")
