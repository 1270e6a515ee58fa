"""SIGHUP asks for a reload; but when a terminal is closed, it ends the program, as ever."""

from __future__ import annotations

import os
import pty
import signal
import sys
import time

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import asyncio, os, signal, sys
# The tests themselves may be run by nohup.
nohup = sys.argv[1:] == ["nohup"]
signal.signal(signal.SIGHUP, signal.SIG_IGN if nohup else signal.SIG_DFL)
from laneway.faces.cli.reloads import Reloads

async def main():
    reloads = Reloads()
    os.write(1, b"ready")
    await asyncio.wait_for(reloads._asked.wait(), 60)
    os._exit(7)

asyncio.run(main())
"""


def started(*arguments: str) -> tuple[int, int]:
    """A process with a terminal of its own, and the other end of that."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM, *arguments])
    said = b""
    while b"ready" not in said:
        said += os.read(terminal, 1000)
    return pid, terminal


@pytest.mark.parametrize("arguments", [(), ("nohup",)])
def test_a_signal_asks_for_a_reload(arguments: tuple[str, ...]) -> None:
    pid, terminal = started(*arguments)
    os.kill(pid, signal.SIGHUP)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    os.close(terminal)


def test_a_terminal_that_is_closed_ends_it() -> None:
    pid, terminal = started()
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGHUP


def test_with_nohup_it_goes_on_without_its_terminal() -> None:
    pid, terminal = started("nohup")
    os.close(terminal)
    # The first signal may be taken together with that of the terminal.
    while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0):
        os.kill(pid, signal.SIGHUP)
        time.sleep(0.05)
    assert os.waitstatus_to_exitcode(ended[1]) == 7
