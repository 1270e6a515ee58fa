"""Finds the process that has a port or a run directory, for error messages.

Everything is read from ``/proc``, so a laneway that was killed leaves nothing stale behind. laneway
also claims each of its ports. A claim is a Unix socket whose file is removed: it cannot be reached,
but while it is open the kernel lists its name, which contains the port and the process. Otherwise
no process could be named while a proxy starts, when the port is reserved but nothing listens yet. A
claim only informs: of two that want a port with a fixed number, ``ports`` excludes one.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from laneway.model.placements import Address

_CLAIM = "laneway-{address}-"


def claim(address: Address) -> socket.socket:
    """Let others know that this process has ``address``, until the socket is closed."""
    claimed = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with contextlib.suppress(OSError), tempfile.TemporaryDirectory(prefix="laneway-") as folder:
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:  # by the descriptor, since the path of a socket must be short
            name = f"{_CLAIM.format(address=address)}{os.getpid()}"
            claimed.bind(f"/proc/self/fd/{directory}/{name}")
        finally:
            os.close(directory)
    return claimed


def holder_of_port(address: Address) -> str:
    """The process that has ``address``, as a part of a sentence; "" if it is not known."""
    # One that starts now claims the port when it has it, and may stop listening right afterwards.
    return _claimant(address) or _listener(address.port) or _claimant(address)


def is_claimed(address: Address) -> bool:
    """Whether a laneway has ``address``, or has given it to a process that does not listen yet."""
    return _claimant(address) != ""


def holder_of_lock(descriptor: int) -> str:
    """The process that has locked (``flock``) the open file of ``descriptor``."""
    status = os.fstat(descriptor)
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in _lines("/proc/locks"):
        words = line.split()
        if words[1] == "FLOCK" and words[5] == device and words[4].isdigit():
            return _described("another laneway", int(words[4]))
    return "another laneway"


def _claimant(address: Address) -> str:
    prefix = _CLAIM.format(address=address)
    for line in _lines("/proc/net/unix"):
        name = line.rpartition("/")[2]
        pid = name.removeprefix(prefix)
        if name != pid and pid.isdigit() and Path("/proc", pid).exists():
            return _described("another laneway", int(pid))
    return ""


def _described(name: str, pid: int) -> str:
    facts = [f"process {pid}", *_command(pid), *_since(pid)]
    return _printable(f"{name} ({', '.join(facts)})")


def _printable(text: str) -> str:
    """Without control characters: another user names the process, and its folder."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _command(pid: int) -> Iterator[str]:
    """What was called, and in which folder; another user's folder is not for us to know."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        command = shlex.join(os.fsdecode(word) for word in words)
        try:
            yield f"{command!r} in {os.readlink(f'/proc/{pid}/cwd')}"
        except OSError:
            yield repr(command)


def _since(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError, ValueError, StopIteration):
        boot = next(line for line in _lines("/proc/stat") if line.startswith("btime "))
        # Field 22 of proc_pid_stat(5); the second is the name in parentheses.
        ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        began = datetime.fromtimestamp(int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK"))
        yield f"since {began:%Y-%m-%d %H:%M:%S}"


def _listener(port: int) -> str:
    inodes = _listening_inodes(port)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            for descriptor in (process / "fd").iterdir():
                if os.readlink(descriptor) in inodes:
                    name = (process / "comm").read_text().strip()
                    return _described(name, int(process.name))
        except OSError:
            continue  # it has ended, or is another user's
    return ""


def _listening_inodes(port: int) -> frozenset[str]:
    inodes = set()
    for line in (*_lines("/proc/net/tcp")[1:], *_lines("/proc/net/tcp6")[1:]):
        _, local, _, state, *rest = line.split()
        if state == "0A" and int(local.rpartition(":")[2], 16) == port:
            inodes.add(f"socket:[{rest[5]}]")
    return frozenset(inodes)


def _lines(table: str) -> list[str]:
    try:
        return Path(table).read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []
