"""``tests/README.md`` names modules and commands: they are to exist."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
README = (TESTS / "README.md").read_text(encoding="utf-8")


def helpers(folder: str) -> set[str]:
    """Those that stand beside a folder's tests."""
    names = {path.stem for path in (TESTS / folder).glob("*.py")}
    return {name for name in names if not name.startswith("test_")}


def named(folder: str) -> list[str]:
    """The patterns in the first column of the folder's table of helper modules."""
    table = README.partition(f"`{folder}`:\n\n")[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines()[2:]]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_every_folder_is_described() -> None:
    rows = re.findall(r"^\| (.+?) \|", README, re.MULTILINE)
    described = {name for row in rows for name in re.findall(r"`([a-z0-9]+)`", row)}
    folders = {path.name for path in TESTS.iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} <= described


def test_every_helper_of_the_compilers_and_the_end_to_end_tests_is_described() -> None:
    for folder in ("compile", "e2e"):
        for helper in helpers(folder):
            assert any(Path(helper).match(pattern) for pattern in named(folder)), helper


def test_what_is_described_exists() -> None:
    for folder in ("compile", "e2e"):
        for pattern in named(folder):
            assert list((TESTS / folder).glob(f"{pattern}.py")), pattern


def test_commands_are_targets_of_the_makefile() -> None:
    makefile = (TESTS.parent / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z-]+)`", README):
        assert f"\n{target}: " in makefile, target
