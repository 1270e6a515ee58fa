"""The Chinese pages say what the English ones say, with the same commands; links lead somewhere."""

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
ALL = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
)
CHINESE = [page for page in ALL if page.name.endswith(".zh-CN.md")]


def code(page: Path) -> list[str]:
    """The lines of code blocks, without comments, which are translated."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    lines = [re.sub(r"\s+#\s.*|^#\s.*", "", line).rstrip() for line in "".join(blocks).splitlines()]
    return [line for line in lines if line]


def links(page: Path) -> list[tuple[Path, str]]:
    """The files that a page links to, and the headings within them ("" for none)."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    found = re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", text)
    return [
        ((page.parent / path).resolve() if path else page, heading)
        for path, heading in found
        if "://" not in path
    ]


def anchors(page: Path) -> set[str]:
    """What headings are called in links: as on GitHub, and on the site by the same rule."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", ALL, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for file, heading in links(page):
        assert file.exists()
        assert not heading or heading in anchors(file)


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: str(page.relative_to(ROOT)))
def test_chinese_pages_link_to_chinese_pages(page: Path) -> None:
    """Except for the link to the same page in English."""
    own = page.with_name(page.name.replace(".zh-CN", ""))
    english = {file for file, _ in links(page) if file != own}
    assert [file for file in english if file.with_suffix(".zh-CN.md").exists()] == []


@pytest.mark.parametrize("page", TRANSLATED, ids=lambda page: page.stem)
def test_tables_of_codes_and_fields_have_the_same_rows(page: Path) -> None:
    """Rows that begin with code: codes of findings, fields, values of the chart, metrics."""

    def rows(page: Path) -> list[str]:
        return re.findall(r"^\| `([^`]+)`", page.read_text(encoding="utf-8"), re.M)

    assert rows(page.with_suffix(".zh-CN.md")) == rows(page)


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
