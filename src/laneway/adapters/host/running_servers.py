"""The laneways of this user that answer an API on this machine, so that commands find them.

Each has an entry, a file in a private folder, and has it locked as long as it runs. One that was
killed has no lock any more: its entry is ignored, and removed by whoever looks next.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from laneway.adapters.host.private_files import open_file, open_folder

_SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """``command`` is ``up`` or ``serve``, called in ``folder``. ``socket`` is that of its API."""

    command: str
    folder: Path
    socket: Path
    process: int

    def __str__(self) -> str:
        return f"laneway {self.command} in {self.folder} (process {self.process}, {self.socket})"


@contextmanager
def registered(
    server: RunningServer, environment: Mapping[str, str], before: int | None = None
) -> Iterator[int]:
    """Others find the server inside. Raises ``OSError`` where the folder is not ours alone.

    The value is the descriptor of its entry. As long as that is open, the entry is valid.
    ``before`` is such a descriptor of the program before this one: its entry is replaced.
    """
    where = _folders(environment)[0]
    name = f"{server.process}-{secrets.token_hex(4)}"
    path = where / f"{name}{_SUFFIX}"
    folder = open_folder(where)
    try:
        # Under a name that nobody looks for, until it is locked and whole.
        unfinished = where / name
        entry = open_file(folder, unfinished, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(entry, fcntl.LOCK_EX)
            os.write(entry, json.dumps(_document(server)).encode())
            os.rename(name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            if before is not None:
                _remove(before)
            try:
                yield entry
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path.name, dir_fd=folder)
        finally:
            os.close(entry)
    finally:
        os.close(folder)


def running_servers(environment: Mapping[str, str]) -> tuple[RunningServer, ...]:
    """Those that run now. Raises ``OSError`` where others could have written entries."""
    found: set[RunningServer] = set()
    for where in _folders(environment):
        if not where.is_dir():
            continue
        folder = open_folder(where)
        try:
            for path in where.glob(f"*{_SUFFIX}"):
                if server := _entry(folder, path):
                    found.add(server)
        finally:
            os.close(folder)
    return tuple(sorted(found, key=lambda server: (str(server.folder), server.process)))


def _remove(entry: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.readlink(f"/proc/self/fd/{entry}"))
    os.close(entry)


def _entry(folder: int, path: Path) -> RunningServer | None:
    """None if it is stale, and then it is removed."""
    try:
        entry = open_file(folder, path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        try:
            fcntl.flock(entry, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(entry)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path.name, dir_fd=folder)
        return None
    finally:
        os.close(entry)


def _read(entry: int) -> RunningServer | None:
    """None for an entry of another version of laneway."""
    try:
        found = json.loads(os.pread(entry, 65_536, 0))
        return RunningServer(
            str(found["command"]), Path(found["folder"]), Path(found["socket"]), found["process"]
        )
    except (ValueError, KeyError, TypeError):
        return None


def _document(server: RunningServer) -> dict[str, object]:
    return {
        "command": server.command,
        "folder": str(server.folder),
        "socket": str(server.socket),
        "process": server.process,
    }


def _folders(environment: Mapping[str, str]) -> list[Path]:
    """Entries are made in the first; a command may run where XDG_RUNTIME_DIR is not set."""
    home = environment.get("HOME", "")
    state = environment.get("XDG_STATE_HOME", "")
    state = state if state.startswith("/") else f"{home}/.local/state"
    runtime = environment.get("XDG_RUNTIME_DIR", "")
    folders = [Path(state, "laneway/servers")]
    if runtime.startswith("/") and Path(runtime).is_dir():
        folders.insert(0, Path(runtime, "laneway/servers"))
    return folders
