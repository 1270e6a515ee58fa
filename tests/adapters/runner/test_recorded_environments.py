"""What workloads are given, as ``laneway env`` finds it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from laneway.adapters.runner import recorded_environments
from laneway.adapters.runner.recorded_environments import remove, run_directories, running, write


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A run directory that a laneway uses."""
    folder = tmp_path / "laneway-1"
    folder.mkdir(mode=0o700)
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def test_what_was_written_is_found_until_it_is_removed(locked: Path) -> None:
    write(locked, "default/cart", {"A": "it's"})
    (found,) = running(locked)
    assert (found.workload, found.variables) == ("default/cart", {"A": "it's"})
    remove(locked, "default/cart")
    assert running(locked) == []


def test_of_two_processes_of_a_workload_the_newer_counts(locked: Path) -> None:
    write(locked, "default/cart~2", {"A": "new"})
    write(locked, "default/cart", {"A": "old"})
    os.utime(locked / recorded_environments.FOLDER / "default_cart.json", (1, 1))
    assert [each.variables for each in running(locked)] == [{"A": "new"}]


def test_what_a_laneway_left_behind_is_not_running(tmp_path: Path) -> None:
    write(tmp_path, "default/cart", {"A": "1"})
    (tmp_path / "lock").touch()
    assert running(tmp_path) == []


def test_run_directories_are_where_laneway_makes_them(locked: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "laneway-2").symlink_to(locked)
    found = run_directories({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert [each for each in found if each.parent == tmp_path] == [locked]


def test_nothing_is_read_that_others_could_have_written(locked: Path) -> None:
    """A shell evaluates it."""
    write(locked, "default/cart", {"A": "1"})
    (locked / recorded_environments.FOLDER / "default_cart.json").chmod(0o666)
    with pytest.raises(PermissionError, match="can be written by other users"):
        running(locked)
    (locked / recorded_environments.FOLDER).chmod(0o777)
    with pytest.raises(PermissionError, match="can be written by other users"):
        running(locked)
