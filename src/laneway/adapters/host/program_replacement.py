"""Replaces this program by a new one within its process (``execve``).

The process id stays, so all children keep their parent. Descriptors that are passed on stay open.
A record, which only this process can read, tells the new program what they are. Signals that would
end or reload laneway wait until the new program can handle them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Collection, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

_VARIABLE = "LANEWAY_HANDOVER"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STANDARD = (0, 1, 2)


def replace_program(
    command: Sequence[str], record: bytes, descriptors: Collection[int]
) -> NoReturn:
    """``command`` begins with the path of a program. Raises ``OSError`` if it cannot be run.

    Call it in the main thread: children that ask for a signal at their parent's death would get one
    at the end of the thread that started them.
    """
    memory = os.memfd_create("laneway-handover")
    with open(memory, "wb", closefd=False) as file:
        file.write(record)
    kept = {*_STANDARD, *descriptors, memory}
    for descriptor in _open_descriptors():
        with contextlib.suppress(OSError):  # it was open for the listing
            os.set_inheritable(descriptor, descriptor in kept)
    sys.stdout.flush()
    sys.stderr.flush()
    # The mask outlives the program; handlers do not.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        os.execve(command[0], list(command), {**os.environ, _VARIABLE: f"{os.getpid()}:{memory}"})
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What the program before this one left: its record, and the descriptors that are open."""

    record: bytes
    descriptors: tuple[int, ...]


def inheritance(environment: MutableMapping[str, str]) -> Inheritance | None:
    """None if this program was started anew. Call it first of all.

    Nothing that was inherited is passed on to children. The record is empty if it cannot be read.
    """
    pid, _, memory = environment.pop(_VARIABLE, "").partition(":")
    if pid != str(os.getpid()) or not memory.isdigit():
        return None
    # Python opens its own descriptors as not inheritable, and so does all that it uses.
    found = tuple(each for each in _open_descriptors() if _is_inherited(each))
    for descriptor in found:
        os.set_inheritable(descriptor, False)
    record = b""
    with contextlib.suppress(OSError), open(int(memory), "rb") as file:
        file.seek(0)
        record = file.read()
    return Inheritance(record, tuple(each for each in found if each != int(memory)))


def accept_signals() -> None:
    """Delivers the signals that waited for handlers."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def end_children(inherited: Inheritance, seconds: float) -> None:
    """Ends all that was inherited, when nobody knows what it is.

    laneway's children end when its descriptors are closed. Those that do not are killed after
    ``seconds``.
    """
    for descriptor in inherited.descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    deadline = time.monotonic() + seconds
    with contextlib.suppress(ChildProcessError):  # no child is left
        while True:
            ended, _ = os.waitpid(-1, os.WNOHANG)
            if ended == 0:
                if time.monotonic() > deadline:
                    _kill_children()
                time.sleep(0.01)


def _kill_children() -> None:
    me = os.getpid()
    for child in Path(f"/proc/self/task/{me}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)


def _is_inherited(descriptor: int) -> bool:
    with contextlib.suppress(OSError):  # it was open for the listing
        return descriptor not in _STANDARD and os.get_inheritable(descriptor)
    return False


def _open_descriptors() -> list[int]:
    return [int(name) for name in os.listdir("/proc/self/fd")]
