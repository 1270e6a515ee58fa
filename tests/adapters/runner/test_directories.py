from __future__ import annotations

import stat
from pathlib import Path

import pytest

from laneway.adapters.runner.directories import open_run_directory, socket_path
from laneway.adapters.runner.errors import RunDirectoryUnusable


def test_a_temporary_one_is_private_and_removed(tmp_path: Path) -> None:
    directory = open_run_directory(None, {"XDG_RUNTIME_DIR": str(tmp_path)})
    assert directory.path.parent == tmp_path
    assert stat.S_IMODE(directory.path.stat().st_mode) == 0o700
    directory.close()
    assert not directory.path.exists()


def test_places_that_are_too_long_or_absent_are_passed_over(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    places = {"XDG_RUNTIME_DIR": str(long), "TMPDIR": str(tmp_path / "absent")}
    directory = open_run_directory(None, places)
    assert directory.path.parent == Path("/tmp")
    directory.close()


def test_one_that_was_asked_for_is_made_and_kept(tmp_path: Path) -> None:
    asked = tmp_path / "a" / "run"
    open_run_directory(asked, {}).close()
    assert asked.is_dir()
    assert len(str(socket_path(asked, 99999))) == len(str(asked)) + len("/admin-99999.sock")


def test_two_may_not_share_one(tmp_path: Path) -> None:
    first = open_run_directory(tmp_path, {})
    with pytest.raises(RunDirectoryUnusable, match="in use by another laneway"):
        open_run_directory(tmp_path, {})
    first.close()
    open_run_directory(tmp_path, {}).close()


def test_a_long_path_is_refused_with_the_limit(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryUnusable, match="at most 90 bytes"):
        open_run_directory(tmp_path / ("y" * 91), {})


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(RunDirectoryUnusable, match="cannot be made"):
        open_run_directory(tmp_path / "f" / "run", {})
