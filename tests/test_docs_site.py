"""The pages that ``make docs`` hands to MkDocs: links between languages lead to the other part."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site") / "docs"
    subprocess.run([sys.executable, ROOT / "tools/stage_docs.py", target], check=True)
    return target


def addresses(staged: Path) -> dict[str, Path]:
    """Pages by their address on the site: Chinese ones are below ``zh``."""
    found = {}
    for page in staged.rglob("*.md"):
        place = str(page.relative_to(staged).with_suffix(".html"))
        found[f"zh/{place.replace('.zh.', '.')}" if ".zh." in place else place] = page
    return found


def test_links_to_the_other_language_lead_to_its_pages(staged: Path) -> None:
    pages = addresses(staged)
    translated = 0
    for address, page in pages.items():
        for href in re.findall(r'<a href="([^"#]*)', page.read_text(encoding="utf-8")):
            to = os.path.normpath(PurePosixPath(address).parent / href)
            assert to in pages, (page, href)
            assert to.startswith("zh/") != address.startswith("zh/")
            translated += 1
    assert translated >= 2 * len([address for address in pages if address.startswith("zh/")])


def test_no_link_that_mkdocs_follows_leads_from_english_to_chinese(staged: Path) -> None:
    for page in staged.rglob("*.md"):
        if ".zh." not in page.name:
            assert re.findall(r"\]\([^)]*\.zh\.md", page.read_text(encoding="utf-8")) == []


def test_warnings_are_counted() -> None:
    """With ``--quiet``, ``strict`` fails for nothing: MkDocs counts the warnings that it prints."""
    (build,) = re.findall(r"mkdocs build.*", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert "-q" not in build
    assert "strict: true" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
