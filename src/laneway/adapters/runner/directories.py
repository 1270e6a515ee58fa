"""The run directory: private to this user and this laneway, and short enough for Unix sockets."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from laneway.adapters.runner.errors import RunDirectoryUnusable

# sockaddr_un.sun_path has 108 bytes, the last of which is NUL.
_MOST_SOCKET_PATH = 107
_LONGEST_SOCKET = "/admin-99999.sock"
_MOST = _MOST_SOCKET_PATH - len(_LONGEST_SOCKET)


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """``own``: made for this run, and to be removed with it. Locked until ``close``."""

    path: Path
    own: bool
    _lock: int

    def close(self) -> None:
        os.close(self._lock)
        if self.own:
            shutil.rmtree(self.path, ignore_errors=True)


def open_run_directory(asked: Path | None, environment: Mapping[str, str]) -> RunDirectory:
    """``asked``, made if it is not there; else a new one where such things belong.

    Raises ``RunDirectoryUnusable`` when the path is too long, cannot be written, or is in use by
    another laneway, whose sockets Envoy would take over without a word.
    """
    path = _make(asked.absolute()) if asked else _make_temporary(environment)
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        message = f"run directory {path} is in use by another laneway; give each its own"
        raise RunDirectoryUnusable(message) from error
    return RunDirectory(path, own=asked is None, _lock=lock)


def socket_path(directory: Path, number: int) -> Path:
    """An admin socket; by number, since the names of proxies would be too long."""
    return directory / f"admin-{number}.sock"


def _make(path: Path) -> Path:
    length = len(os.fsencode(path))
    if length > _MOST:
        raise RunDirectoryUnusable(
            f"run directory {path} is too long ({length} bytes): Unix sockets are made in it, "
            f"which leaves at most {_MOST} bytes; choose a shorter one"
        )
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        message = f"run directory {path} cannot be made: {error.strerror}"
        raise RunDirectoryUnusable(message) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise RunDirectoryUnusable(f"run directory {path} is not writable for this user")
    return path


def _make_temporary(environment: Mapping[str, str]) -> Path:
    places = (environment.get("XDG_RUNTIME_DIR"), environment.get("TMPDIR"), "/tmp")
    for place in filter(None, places):
        if len(os.fsencode(place)) + len("/laneway-12345678") > _MOST:
            continue
        with contextlib.suppress(OSError):
            return Path(tempfile.mkdtemp(prefix="laneway-", dir=place)).absolute()
    tried = ", ".join(filter(None, places))
    raise RunDirectoryUnusable(f"no place for a run directory (tried {tried}); give one")
