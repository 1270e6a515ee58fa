from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from laneway.adapters.host.holders import holder_of_port
from laneway.model.placements import Address

LISTENER = """
import ctypes, socket, sys
ctypes.CDLL(None).prctl(15, b"\\x1b]0;named\\x07")  # PR_SET_NAME
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
sys.stdin.read()
"""


def test_what_another_user_named_does_not_reach_the_terminal_as_it_is(tmp_path: Path) -> None:
    """Its name, its folder and its arguments, which could move the cursor or set the title."""
    folder = tmp_path / "\x1b[31mfolder\u009b\n"
    folder.mkdir()
    command = [sys.executable, "-c", LISTENER, "\x1b[31margument"]
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        holder = holder_of_port(Address("127.0.0.1", int(process.stdout.readline())))
        process.stdin.close()
    assert holder.isprintable()
    for part in (r"\x1b]0;named\x07 (process", r"\x1b[31margument", r"\x1b[31mfolder\x9b\n,"):
        assert part in holder
