"""Which files a workload watches, and which changes are seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from laneway.adapters.files.source_trees import tree_fingerprints


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(*paths: Path) -> set[str]:
    return {Path(name).name for name in tree_fingerprints(map(str, paths))}


def test_folders_are_watched_with_all_below_them_and_files_alone(tmp_path: Path) -> None:
    write(tmp_path / "src/a.py")
    write(tmp_path / "src/deep/er/b.py")
    write(tmp_path / "one.py")
    write(tmp_path / "other.py")
    assert names(tmp_path / "src", tmp_path / "one.py") == {"a.py", "b.py", "one.py"}


@pytest.mark.parametrize(
    "name",
    [
        ".git/index",
        ".a.py.swp",
        "a.py~",
        "4913",
        "#a.py#",
        "a.py___jb_tmp___",
        "a.swo",
        "a.tmp",
        "a.log",
        "a.pyc",
        "__pycache__/a.cpython-311.pyc",
        "node_modules/left/index.js",
    ],
)
def test_what_tools_and_editors_keep_is_not_followed(tmp_path: Path, name: str) -> None:
    write(tmp_path / "a.py")
    before = tree_fingerprints([str(tmp_path)])
    write(tmp_path / name)
    assert tree_fingerprints([str(tmp_path)]) == before


def test_every_way_to_save_is_seen(tmp_path: Path) -> None:
    file = write(tmp_path / "src/a.py")
    seen = [tree_fingerprints([str(tmp_path)])]

    def look() -> None:
        now = tree_fingerprints([str(tmp_path)])
        assert now not in seen
        seen.append(now)

    file.write_text("longer")
    look()
    os.replace(write(tmp_path / "src/a.new", "longer"), file)  # of the same size
    look()
    write(tmp_path / "src/new.py")
    look()
    file.unlink()
    look()


def test_a_path_that_leads_nowhere_is_watched_until_it_does(tmp_path: Path) -> None:
    path = tmp_path / "later"
    before = tree_fingerprints([str(path)])
    assert list(before) == [str(path)]
    write(path / "a.py")
    assert tree_fingerprints([str(path)]) != before


def test_a_link_to_a_folder_is_followed_where_it_is_watched_itself(tmp_path: Path) -> None:
    write(tmp_path / "there/a.py")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    assert names(tmp_path / "link") == {"a.py"}
