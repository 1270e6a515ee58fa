"""Children of this process that the program before it started (see ``program_replacement``).

``subprocess`` knows only what it started itself. An ``InheritedChild`` has the part of the
interface of ``subprocess.Popen`` that laneway uses.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Protocol


class Child(Protocol):
    """``subprocess.Popen``, or an ``InheritedChild``."""

    pid: int
    returncode: int | None
    stdin: IO[bytes] | None

    def wait(self) -> int: ...

    def send_signal(self, sig: int) -> None: ...


class InheritedChild:
    """``stdin`` is the descriptor that writes to its standard input, if that is a pipe."""

    def __init__(self, pid: int, stdin: int | None = None) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: IO[bytes] | None = None if stdin is None else os.fdopen(stdin, "wb")

    def wait(self) -> int:
        """Waits for its end and reaps it. Returns the exit code, or the negative signal."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, sig)


def start_time(pid: int) -> int:
    """When the process started, in clock ticks since the machine did (proc_pid_stat(5), field 22).

    Also of one that has ended and is not reaped. Raises ``OSError``.
    """
    # The second field is the name, in parentheses.
    return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19])


def is_child(pid: int, started: int) -> bool:
    """Whether this process, which started at ``started``, is a child that is not reaped yet."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return start_time(pid) == started
    except OSError:
        return False
