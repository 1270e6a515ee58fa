"""``laneway env`` where there is nothing to tell; ``tests/e2e/test_own_services`` has the rest."""

from __future__ import annotations

import fcntl
from pathlib import Path

from laneway.adapters.runner.recorded_environments import write

from .conftest import Cli


def test_without_a_laneway_it_says_how_to_start_one(cli: Cli, tmp_path: Path) -> None:
    result = cli("env", "cart", "--run-dir", tmp_path)
    assert result.code == 1
    assert "start one: laneway up -f FILE" in result.err


def test_a_misspelt_workload_is_suggested_and_values_are_quoted(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path, "default/cart", {"A": "it's; touch x", "a.b": "no name of a shell's"})
    with open(tmp_path / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "default/cart" in cli("env", "crat", "--run-dir", tmp_path).err
        shell = cli("env", "default/cart", "--run-dir", tmp_path)
        assert shell.out == "export A='it'\"'\"'s; touch x'\n"
        assert '"a.b"' in cli("env", "cart", "--run-dir", tmp_path, "--json").out
