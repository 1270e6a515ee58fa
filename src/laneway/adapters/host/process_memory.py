"""How much memory a process has, with all that it has started."""

from __future__ import annotations

import os
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int, proc: Path = Path("/proc")) -> int | None:
    """Of the process and its descendants; None if there is no such process.

    Pages that several processes share are counted for each, as ``ps`` does.
    """
    try:
        own = int((proc / str(pid) / "statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return None
    return own + sum(resident_bytes(child, proc) or 0 for child in _children(pid, proc))


def _children(pid: int, proc: Path) -> list[int]:
    try:
        tasks = list((proc / str(pid) / "task").iterdir())
    except OSError:
        return []
    found: list[int] = []
    for task in tasks:
        try:
            found += map(int, (task / "children").read_text().split())
        except (OSError, ValueError):
            continue  # the thread has ended
    return found
