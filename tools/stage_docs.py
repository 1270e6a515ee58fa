"""Puts the pages of the documentation site together: `docs/`, and the READMEs as front pages.

`make docs` runs this before MkDocs. Links between pages work on a code forge and on the site
alike; those that leave `docs/` do not, so that the site shows their text alone. MkDocs builds each
language by itself and knows no page of another, so that links between languages become HTML.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Files at the root that are pages of the site, by their place there.
MOVED = {
    "README.md": "index.md",
    "README.zh-CN.md": "index.zh-CN.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
}
_LINK = re.compile(r"(!?\[[^\]]*\])\(([^)#\s]+)(#[^)\s]*)?\)")


def stage(target: Path) -> None:
    """Write all pages below ``target``, which is emptied first."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / "docs", target, ignore=shutil.ignore_patterns("*.md"))
    for source in [*map(ROOT.joinpath, MOVED), *(ROOT / "docs").rglob("*.md")]:
        page = target / _place(source)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(_relinked(source, page, target), encoding="utf-8")


def _place(file: Path) -> Path:
    """Where the site has a file of the project, relative to the site's root."""
    path = file.relative_to(ROOT)
    place = MOVED.get(str(path)) or str(path.relative_to("docs"))
    return Path(place.replace(".zh-CN.", ".zh."))  # the locale as the theme names it


def _address(file: Path) -> Path:
    """Where a browser finds a page, relative to the site's root."""
    place = _place(file).with_suffix(".html")
    return Path("zh", str(place).replace(".zh.", ".")) if _is_chinese(file) else place


def _is_chinese(file: Path) -> bool:
    return ".zh-CN." in file.name


def _translation(file: Path) -> Path:
    """The same page in the other language, whether it exists or not."""
    if _is_chinese(file):
        return file.with_name(file.name.replace(".zh-CN.", "."))
    return file.with_suffix(".zh-CN.md")


def _relinked(source: Path, page: Path, target: Path) -> str:
    def other_language(label: str, file: Path, anchor: str) -> str:
        if not _translation(source).exists():  # It serves both languages, from two addresses.
            return label
        href = os.path.relpath(_address(file), _address(source).parent)
        return f'<a href="{href}{anchor}">{label}</a>'

    def relink(match: re.Match[str]) -> str:
        label, link, anchor = match[1], match[2], match[3] or ""
        if "://" in link:
            return match[0]
        file = (source.parent / link).resolve()
        if not file.is_relative_to(ROOT / "docs") and str(file.relative_to(ROOT)) not in MOVED:
            return label.strip("![]")
        if file == _translation(source) or (_is_chinese(file) and not _is_chinese(source)):
            return other_language(label.strip("[]"), file, anchor)
        to = target / _place(file)
        return f"{label}({os.path.relpath(to, page.parent)}{anchor})"

    return _LINK.sub(relink, source.read_text(encoding="utf-8"))


if __name__ == "__main__":
    stage(Path(sys.argv[1]))
