"""The memory of a process with all that it has started."""

from __future__ import annotations

import os
import subprocess
import sys

from laneway.adapters.host.process_memory import resident_bytes

_CHILD = (
    "import subprocess, sys; held = bytearray(64 << 20); "
    "child = subprocess.Popen([sys.executable, '-c', "
    "'held = bytearray(64 << 20); print(1, flush=True); input()']); child.wait()"
)


def test_what_a_process_has_started_counts() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = resident_bytes(process.pid)
        process.communicate(b"\n")
    assert found is not None
    assert 128 << 20 < found < 400 << 20


def test_a_process_that_is_gone_has_none() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert resident_bytes(process.pid) is None
    assert resident_bytes(os.getpid())
