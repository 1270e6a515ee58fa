"""Maintenance of a store file without its server: check, backup and restore.

Checks and backups only read, which SQLite allows while a server writes. A restore creates a new
file, and never replaces one.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from laneway.adapters.host.private_files import open_folder
from laneway.adapters.store.errors import StoreDamaged, StoreUnusable, StoreUnwritable
from laneway.adapters.store.migrations import APPLICATION, MIGRATIONS
from laneway.adapters.store.sqlite import damaged, objects_at, reported
from laneway.control.revisions import Objects

_FILES = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a file. The history begins after the revision ``compacted``."""

    latest: int
    compacted: int
    objects: Objects
    tokens: int


def check(path: Path) -> Contents:
    """Reads the whole file. Raises ``StoreUnusable`` or ``StoreDamaged``."""
    with reported(path), closing(_open(path)) as database:
        (found,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise StoreDamaged(damaged(path, found))
        database.execute("BEGIN")
        version = _version(database, path)
        (compacted,) = database.execute("SELECT number FROM compaction").fetchone()
        latest, count = database.execute("SELECT max(number), count(*) FROM revisions").fetchone()
        latest = max(latest or 0, compacted)
        if count != latest - compacted:
            missing = f"of revisions {compacted + 1} to {latest}, {count} are there"
            raise StoreDamaged(damaged(path, missing))
        tokens = 0
        if version > 1:
            (tokens,) = database.execute("SELECT count(*) FROM tokens").fetchone()
        try:
            objects = objects_at(database, latest)
        except ValueError as error:
            raise StoreDamaged(damaged(path, f"an object is no JSON: {error}")) from error
        return Contents(latest, compacted, objects, tokens)


def back_up(path: Path, target: Path) -> Contents:
    """Copies a snapshot of the store to a file that must not exist. Returns its contents.

    Raises ``StoreUnusable``, ``StoreDamaged`` or ``StoreUnwritable``.
    """
    with reported(path), closing(_open(path)) as database:
        _version(database, path)
        return _copy(database, target)


def restore(backup: Path, path: Path) -> Contents:
    """Creates the store from a backup. Raises like ``back_up``, and if there is a store already."""
    check(backup)
    for suffix in _FILES:
        file = path.with_name(path.name + suffix)
        if file.exists() or file.is_symlink():
            raise StoreUnusable(
                f"{file} is there already, and is not replaced; move it away, or restore to "
                "another data directory"
            )
    with reported(backup), closing(_open(backup)) as database:
        return _copy(database, path)


def _copy(database: sqlite3.Connection, target: Path) -> Contents:
    """Writes to a temporary name first, so that ``target`` is never incomplete."""
    part = target.with_name(f".{target.name}.part-{os.getpid()}")
    try:
        folder = open_folder(target.parent, allow_sticky=True)
    except OSError as error:
        raise StoreUnwritable(f"{error.filename}: {error.strerror}") from error
    try:
        if target.exists() or target.is_symlink():
            raise StoreUnwritable(f"{target} is there already, and is not replaced")
        descriptor = os.open(part.name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        try:
            with reported(part), closing(sqlite3.connect(part)) as copy:
                database.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE").fetchone()
            contents = check(part)
            os.fsync(descriptor)
            # Unlike a rename, this fails if the name exists by now.
            os.link(part.name, target.name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder_descriptor := os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY))
            os.close(folder_descriptor)
            return contents
        finally:
            os.close(descriptor)
            os.unlink(part.name, dir_fd=folder)
    except OSError as error:
        raise StoreUnwritable(f"{target} cannot be made: {error.strerror}") from error
    finally:
        os.close(folder)


def _open(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise StoreUnusable(f"there is no store {path}")
    # Not `mode=ro`, which cannot read the write-ahead log of a store that was not closed.
    uri = f"{path.absolute().as_uri()}?mode=rw"
    database = sqlite3.connect(uri, uri=True, isolation_level=None)
    database.execute("PRAGMA query_only = ON")
    return database


def _version(database: sqlite3.Connection, path: Path) -> int:
    """Raises ``StoreUnusable`` if it is not a store, or one of a later laneway."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        raise StoreUnusable(f"{path} is not a store of laneway")
    if version > len(MIGRATIONS):
        raise StoreUnusable(f"{path} was written by a later laneway; use that one")
    return int(version)
