"""The run directory: private to this user and this laneway, and short enough for Unix sockets.

A laneway that was killed leaves sockets there, and shared memory to which only files in it refer.
The next laneway that uses the directory removes both.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from laneway.adapters.host.folder_locks import RUN_DIRECTORY_LOCK, STORE_LOCK, holder_of
from laneway.adapters.host.holders import holder_of_lock
from laneway.adapters.host.private_files import check_entry, check_tree, open_file, open_folder
from laneway.adapters.runner.base_ids import remove_remains
from laneway.adapters.runner.errors import RunDirectoryUnusable
from laneway.adapters.runner.records import DirectoryRecord

# sockaddr_un.sun_path has 108 bytes, the last of which is NUL.
_MOST_SOCKET_PATH = 107
_LONGEST_SOCKET = "/admin-99999.sock"
_MOST = _MOST_SOCKET_PATH - len(_LONGEST_SOCKET)
# Other sockets in the directory belong to other programs.
_SOCKETS = re.compile(r"(xds|api)\.sock|(admin|probe)-[0-9]+\.sock")
_FOLDERS = ("proxies", "logs", "environments")


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """``own``: created for this run, and removed at its end.

    It is locked until ``close``, and until all processes that inherited the descriptor ``lock``
    have ended.
    """

    path: Path
    own: bool
    lock: int

    def hand_over(self) -> DirectoryRecord:
        return DirectoryRecord(str(self.path), self.own, self.lock)

    def close(self) -> None:
        os.close(self.lock)
        if self.own:
            shutil.rmtree(self.path, ignore_errors=True)


def open_run_directory(asked: Path | None, environment: Mapping[str, str]) -> RunDirectory:
    """Opens ``asked`` (created if missing), or a new directory in the usual place.

    Raises ``RunDirectoryUnusable`` if the path is too long, if other users can write to it or could
    replace it, or if another laneway uses it: Envoy would silently take over the other's sockets.
    """
    path = asked.absolute() if asked else _make_temporary(environment)
    _check_length(path)
    folder = _open("run", path)
    try:
        lock = _lock(folder, path)
        try:
            _check_contents(folder, path)
            _remove_remains(path)
        except BaseException:
            os.close(lock)
            raise
    finally:
        os.close(folder)
    return RunDirectory(path, own=asked is None, lock=lock)


def take_over_run_directory(record: DirectoryRecord) -> RunDirectory:
    """The directory of the program before this one, in which processes run."""
    return RunDirectory(Path(record.path), record.own, record.lock)


def check_log_directory(path: Path) -> None:
    """Creates ``path`` if missing. Raises ``RunDirectoryUnusable`` if others can write to it."""
    os.close(_open("log", path))


def socket_path(directory: Path, number: int) -> Path:
    """The path of an admin socket. Numbered, because names of proxies would be too long."""
    return directory / f"admin-{number}.sock"


def _check_length(path: Path) -> None:
    length = len(os.fsencode(path))
    if length > _MOST:
        raise RunDirectoryUnusable(
            f"run directory {path} is too long ({length} bytes): Unix sockets are made in it, "
            f"which leaves at most {_MOST} bytes; choose a shorter one"
        )


def _open(purpose: str, path: Path) -> int:
    try:
        folder = open_folder(path)
    except OSError as error:
        message = f"{purpose} directory {path} cannot be used: {error.filename}: {error.strerror}"
        raise RunDirectoryUnusable(message) from error
    if not os.access(path, os.W_OK | os.X_OK):
        os.close(folder)
        raise RunDirectoryUnusable(f"{purpose} directory {path} is not writable for this user")
    return folder


def _lock(folder: int, path: Path) -> int:
    """Locks a file that only this user can open. A directory could be locked by all its readers."""
    try:
        lock = open_file(folder, path / RUN_DIRECTORY_LOCK, os.O_RDWR | os.O_CREAT)
        try:
            holder = _take(lock) or holder_of(folder, path / STORE_LOCK)
            if holder:
                message = f"run directory {path} is in use by {holder}; give each its own"
                raise RunDirectoryUnusable(message)
        except BaseException:
            os.close(lock)
            raise
    except OSError as error:
        raise _unusable(path, error) from error
    return lock


def _take(lock: int) -> str:
    """The process that has the lock; "" if it is this one now."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return holder_of_lock(lock)
    return ""


def _check_contents(folder: int, path: Path) -> None:
    """Checks what an earlier laneway, or another program, left under the names used here."""
    try:
        for entry in path.iterdir():
            if entry.name in _FOLDERS or _SOCKETS.fullmatch(entry.name):
                status = entry.lstat()
                check_entry(status, entry)
                if stat.S_ISDIR(status.st_mode):
                    check_tree(folder, path, entry.name)
    except OSError as error:
        raise _unusable(path, error) from error


def _remove_remains(path: Path) -> None:
    try:
        for entry in path.iterdir():
            if _SOCKETS.fullmatch(entry.name) and entry.is_socket():
                entry.unlink()
        for proxy in path.glob("proxies/*/"):
            remove_remains(proxy)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> RunDirectoryUnusable:
    where = error.filename or path
    return RunDirectoryUnusable(f"run directory {path} cannot be used: {where}: {error.strerror}")


def _make_temporary(environment: Mapping[str, str]) -> Path:
    places = (environment.get("XDG_RUNTIME_DIR"), environment.get("TMPDIR"), "/tmp")
    for place in filter(None, places):
        if len(os.fsencode(place)) + len("/laneway-12345678") > _MOST or not os.path.isdir(place):
            continue
        with contextlib.suppress(OSError):
            # Skip a place where other users could replace the new directory.
            os.close(open_folder(Path(place), allow_sticky=True))
            return Path(tempfile.mkdtemp(prefix="laneway-", dir=place)).absolute()
    tried = ", ".join(filter(None, places))
    raise RunDirectoryUnusable(f"no private place for a run directory (tried {tried}); give one")
