"""Counts the instructions that an Envoy's worker executes, with valgrind's callgrind.

CPU time differs by some percent between two Envoys that are the same, and from day to day.
Instructions differ by some tenths of a percent, on a busy machine, too. Nothing else is needed than
valgrind: hardware's counters are seldom there on virtual machines. What this cannot show is memory
that comes to lie in a farther cache.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

from bench.bench_request_cost import worker_threads

_THREAD = re.compile(r"^Thread (\d+): .*\(lwpid (\d+)\)$", re.MULTILINE)
_TOTAL = re.compile(r"^totals: (\d+)$", re.MULTILINE)


def can_count() -> bool:
    return shutil.which("callgrind_control") is not None


def callgrind(output: Path) -> tuple[str, ...]:
    """What a command has to begin with, so that its instructions can be counted."""
    return (
        "valgrind",
        "--quiet",
        "--tool=callgrind",
        "--instr-atstart=no",
        "--separate-threads=yes",
        "--smc-check=all-non-file",
        f"--callgrind-out-file={output}",
    )


@dataclass(frozen=True)
class Counter:
    """For a process that was started by ``callgrind(output)``."""

    pid: int
    output: Path

    def start(self) -> None:
        _run("callgrind_control", "--instr=on", str(self.pid))

    async def count(self, work: Awaitable[None]) -> int:
        """The instructions of Envoy's workers during the ``work``."""
        _run("callgrind_control", "--zero", str(self.pid))
        await work
        _run("callgrind_control", "--dump", str(self.pid))
        # A name ends with the number of the dump and that of the thread: ``.3-06``.
        dumped = {int(file.suffix[-2:]): _total(file) for file in self._files()}
        for file in self._files():
            file.unlink()
        return sum(map(dumped.__getitem__, self._worker_numbers()))

    def _files(self) -> list[Path]:
        return list(self.output.parent.glob(f"{self.output.name}.*-*"))

    def _worker_numbers(self) -> list[int]:
        workers = {int(task.name) for task in worker_threads(self.pid)}
        listed = _run("vgdb", f"--pid={self.pid}", "v.info", "scheduler")
        return [int(number) for number, tid in _THREAD.findall(listed) if int(tid) in workers]


def _total(file: Path) -> int:
    found = _TOTAL.search(file.read_text(errors="replace"))
    if found is None:
        raise RuntimeError(f"{file} names no total")
    return int(found[1])


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr
