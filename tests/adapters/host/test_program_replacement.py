"""One program replaces another one within a process. Each test has a process of its own for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from laneway.adapters.host.program_replacement import inheritance

FIRST = """
import os, signal, subprocess, sys
from laneway.adapters.host.program_replacement import replace_program
kept, closed = os.open("/dev/null", 0), os.open("/dev/null", 0)
os.set_inheritable(closed, True)  # as a library might
null = subprocess.DEVNULL
child = subprocess.Popen(["sleep", "60"], stdin=null, stdout=null, stderr=null)
text = f"{kept} {closed} {child.pid}".encode()
os.write(1, b"ready\\n")
sys.stdin.readline()
replace_program([sys.executable, "-c", sys.argv[1]], text, [kept])
"""
SECOND = """
import os, signal, sys, time
from laneway.adapters.host import program_replacement
found = program_replacement.inheritance(os.environ)
kept, closed, child = map(int, found.record.split())
assert found.descriptors == (kept,), found
assert not os.get_inheritable(kept)
assert program_replacement.inheritance(os.environ) is None
assert os.waitpid(child, os.WNOHANG) == (0, 0)  # it is ours
"""
SIGNALS = (
    SECOND
    + """
os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGHUP)
heard = []
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: heard.append(number))
program_replacement.accept_signals()
assert sorted(heard) == [signal.SIGHUP, signal.SIGTERM], heard
os.kill(child, 9)
print(os.getpid())
"""
)
ENDING = (
    SECOND
    + """
program_replacement.end_children(found, 0.0)
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print(os.getpid())
"""
)


def replaced(second: str) -> tuple[int, str, str]:
    """The process id, and what the second program prints."""
    process = subprocess.Popen(
        [sys.executable, "-c", FIRST, second],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    output, errors = process.communicate("\n", timeout=60)
    return process.pid, output.removeprefix("ready\n"), errors


def test_children_descriptors_and_signals_are_those_of_the_process() -> None:
    pid, output, errors = replaced(SIGNALS)
    assert (output, errors) == (f"{pid}\n", "")


def test_children_that_nobody_knows_are_ended() -> None:
    began = time.monotonic()
    pid, output, errors = replaced(ENDING)
    assert (output, errors) == (f"{pid}\n", "")
    assert time.monotonic() - began < 50


def test_a_program_that_does_not_exist_leaves_everything(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from laneway.adapters.host.program_replacement import replace_program
try:
    replace_program([sys.argv[1]], b"", [])
except FileNotFoundError:
    print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
"""
    command = [sys.executable, "-c", program, str(tmp_path / "none")]
    assert subprocess.check_output(command, text=True) == "[]\n"


def test_the_record_of_another_process_is_none() -> None:
    environment = {"LANEWAY_HANDOVER": f"{os.getppid()}:0", "A": "b"}
    assert inheritance(environment) is None
    assert environment == {"A": "b"}
    assert inheritance({}) is None
    assert inheritance({"LANEWAY_HANDOVER": "nonsense"}) is None
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()
