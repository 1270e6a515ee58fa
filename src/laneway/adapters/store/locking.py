"""Ensures that only one process has a store open. SQLite alone would let several write, although
each has its own copy in memory.

The lock is on a file beside the store: closing any descriptor of the store itself would release
SQLite's own locks (https://sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from laneway.adapters.host.folder_locks import RUN_DIRECTORY_LOCK, holder_of
from laneway.adapters.host.holders import holder_of_lock
from laneway.adapters.host.private_files import open_file, open_folder
from laneway.adapters.store.errors import StoreInUse, StoreUnusable

_SUFFIXES = ("", "-wal", "-shm")


@dataclass
class StoreLock:
    """A lock that lasts until ``release`` or the end of the process."""

    descriptor: int

    def release(self) -> None:
        os.close(self.descriptor)

    def keep(self) -> int:
        """A second descriptor of the lock, which is then held until both are closed."""
        return os.dup(self.descriptor)


def lock_store(path: Path) -> StoreLock:
    """Also makes sure that no other user can read, plant or replace the store's files, and that the
    folder is not a laneway's run directory.

    Raises ``StoreInUse`` or ``StoreUnusable``.
    """
    try:
        folder = open_folder(path.parent)
        try:
            lock = open_file(folder, path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT)
            try:
                _take(lock, folder, path)
                # Under the lock, because the checks open the files, and SQLite must not have any of
                # them open.
                _make_private(path)
            except BaseException:
                os.close(lock)
                raise
        finally:
            os.close(folder)
    except OSError as error:
        raise _unusable(path, error) from error
    return StoreLock(lock)


def _take(lock: int, folder: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        holder = holder_of(folder, path.with_name(RUN_DIRECTORY_LOCK))
    except BlockingIOError:
        holder = holder_of_lock(lock)
    if holder:
        message = f"store {path} is in use by {holder}; stop that, or choose another"
        raise StoreInUse(message)


def _make_private(path: Path) -> None:
    """SQLite creates its other files with the mode of the store file."""
    try:
        folder = open_folder(path.parent)
        try:
            for suffix in _SUFFIXES:
                file = path.with_name(path.name + suffix)
                if not suffix or file.exists() or file.is_symlink():
                    made = os.O_CREAT if not suffix else 0
                    descriptor = open_file(folder, file, os.O_RDWR | made)
                    try:
                        os.fchmod(descriptor, 0o600)
                    finally:
                        os.close(descriptor)
        finally:
            os.close(folder)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> StoreUnusable:
    where = error.filename or path
    return StoreUnusable(f"store {path} cannot be used: {where}: {error.strerror}")
