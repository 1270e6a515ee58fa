"""A store in a SQLite file, for ``laneway serve``. No acknowledged revision is lost.

Writes go through one connection on a thread of its own, each batch as one transaction in the
write-ahead log, which is flushed to the disk before the transaction is reported as done
(``synchronous=FULL``, https://sqlite.org/pragma.html#pragma_synchronous). The declared objects are
also in memory, so only history is read from the file, through a second connection.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypeVar

from laneway.adapters.store.errors import StoreDamaged, StoreUnusable, StoreUnwritable
from laneway.adapters.store.locking import StoreLock, lock_store
from laneway.adapters.store.migrations import migrate
from laneway.adapters.store.queued import Clock, Created, QueuedStore
from laneway.control.revisions import (
    Draft,
    Manifest,
    ObjectId,
    Objects,
    Revision,
    StoredObject,
    StoreError,
)

T = TypeVar("T")

# An object's last row up to a revision: with max(), SQLite takes the other columns of that row.
_OBJECTS_AT = """
SELECT resource, namespace, name, manifest, created, max(revision)
FROM writes WHERE revision <= ? GROUP BY resource, namespace, name ORDER BY created, position
"""
_REVISIONS = """
SELECT number, at, principal, source, reason FROM revisions
WHERE number > ? ORDER BY number LIMIT ?
"""
_WRITES = """
SELECT resource, namespace, name, manifest FROM writes WHERE revision = ?
ORDER BY created, position
"""
# Remaining objects keep their positions.
_INSERT = """
INSERT INTO writes (resource, namespace, name, revision, created, manifest, position)
VALUES (:resource, :namespace, :name, :revision, :created, :manifest, coalesce((
    SELECT position FROM writes WHERE resource = :resource AND namespace = :namespace
    AND name = :name AND created = :created ORDER BY revision DESC LIMIT 1), :position))
"""
# Texts of a uniform format, whose order is that of the times.
_FIRST_SINCE = "SELECT min(number) FROM revisions WHERE at >= ?"
_WRITES = "SELECT resource, namespace, name, manifest FROM writes WHERE revision = ?"
# Rows that a later row up to the same revision replaces, and deletions.
_REPLACED = """
DELETE FROM writes WHERE revision <= :number AND (manifest IS NULL OR EXISTS (
    SELECT 1 FROM writes AS later WHERE later.resource = writes.resource
    AND later.namespace = writes.namespace AND later.name = writes.name
    AND later.revision > writes.revision AND later.revision <= :number))
"""


class SqliteStore(QueuedStore):
    """See ``RevisionStore``. Made by ``open``."""

    def __init__(self, path: Path, clock: Clock, lock: StoreLock, files: _Connections) -> None:
        latest, compacted = files.numbers()
        super().__init__(clock, objects_at(files.reading, latest), latest, compacted)
        self._path = path
        self._lock = lock
        self._files = files
        # One thread each, since a connection serves one statement at a time.
        self._writing = ThreadPoolExecutor(1, "store-writes")
        self._reading = ThreadPoolExecutor(1, "store-reads")

    @classmethod
    def open(cls, path: Path, clock: Clock, lock: StoreLock | None = None) -> Self:
        """Opens the file, or creates it, readable only by this user. ``lock`` is its lock, if this
        process has that already.

        Raises ``StoreInUse``, ``StoreUnusable`` or ``StoreDamaged``.
        """
        path = path.absolute()
        lock = lock or lock_store(path)
        try:
            with reported(path):
                files = _Connections(path)
                try:
                    return cls(path, clock, lock, files)
                except BaseException:
                    files.close()
                    raise
        except BaseException:
            lock.release()
            raise

    async def revisions(self, after: int, limit: int) -> Sequence[Revision]:
        self.check_history(after)
        found = await self._read(lambda: _revisions(self._files.reading, after, limit))
        self.check_history(after)  # it may have been compacted before it was read
        return found

    async def objects_at(self, number: int) -> Objects:
        self.check_number(number)
        found = await self._read(lambda: objects_at(self._files.reading, number))
        self.check_history(number)
        return found

    async def last_before(self, moment: datetime) -> int:
        def number() -> int:
            at = moment.astimezone(UTC).isoformat()
            (first,) = self._files.reading.execute(_FIRST_SINCE, (at,)).fetchone()
            return self._latest if first is None else int(first) - 1

        return await self._read(number)

    async def compact(self, number: int) -> None:
        self.check_number(number)

        def remove() -> None:
            database = self._files.writing
            with _transaction(database):
                database.execute(_REPLACED, {"number": number})
                database.execute("DELETE FROM revisions WHERE number <= ?", (number,))
                database.execute("UPDATE compaction SET number = ?", (number,))
            # As a script, because `execute` would free only one page.
            database.executescript("PRAGMA incremental_vacuum")

        before = self._compacted
        # Before anything is removed, so that no read takes what is left for the whole.
        self._compacted = max(before, number)
        try:
            await self._run(self._writing, remove)
        except StoreError:
            self._compacted = before
            raise

    async def back_up(self, path: Path) -> None:
        """Writes a snapshot to ``path``, which must not exist, without stopping writes."""

        def copy() -> None:
            try:
                path.touch(mode=0o600, exist_ok=False)
            except OSError as error:
                raise StoreUnwritable(f"{path} cannot be made: {error.strerror}") from error
            try:
                with reported(path), closing(sqlite3.connect(path)) as target:
                    self._files.reading.backup(target)
                    target.execute("PRAGMA journal_mode = DELETE").fetchone()
            except BaseException:
                path.unlink()
                raise

        await self._run(self._reading, copy)

    async def execute(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Runs one statement on the file's other tables, and returns the rows."""
        return await self._run(
            self._writing, lambda: self._files.writing.execute(statement, parameters).fetchall()
        )

    async def hand_over(self) -> int:
        """Closes the store. Returns a descriptor that still has its lock."""
        lock = self._lock.keep()
        await self.close()
        return lock

    async def close(self) -> None:
        await super().close()
        if self._files.is_open:
            await self._run(self._reading, lambda: None)
            await self._run(self._writing, self._files.close)
            self._reading.shutdown()
            self._writing.shutdown()
            self._lock.release()

    async def _keep(self, revisions: Sequence[Revision], created: Sequence[Created]) -> None:
        await self._run(self._writing, lambda: _insert(self._files.writing, revisions, created))

    async def _read(self, read: Callable[[], T]) -> T:
        return await self._run(self._reading, read)

    async def _run(self, thread: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        def call_reported() -> T:
            with reported(self._path):
                return call()

        if not self._files.is_open:
            raise StoreError("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(thread, call_reported)


class _Connections:
    """Two connections: one that writes, and one that can only read."""

    def __init__(self, path: Path) -> None:
        self.writing = _connect(path, "rwc")
        try:
            # Before the first table: later it would need a VACUUM.
            self.writing.execute("PRAGMA auto_vacuum = INCREMENTAL")
            self.writing.execute("PRAGMA journal_mode = WAL")
            self.writing.execute("PRAGMA synchronous = FULL")
            (found,) = self.writing.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise StoreDamaged(damaged(path, found))
            migrate(self.writing, path)
            self.reading = _connect(path, "ro")
        except BaseException:
            self.writing.close()
            raise
        self.is_open = True

    def numbers(self) -> tuple[int, int]:
        """The numbers of the latest revision and of the last compacted one."""
        (compacted,) = self.writing.execute("SELECT number FROM compaction").fetchone()
        (latest,) = self.writing.execute("SELECT max(number) FROM revisions").fetchone()
        return max(latest or 0, compacted), compacted

    def close(self) -> None:
        self.is_open = False
        self.reading.close()
        self.writing.close()


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # No implicit transactions: each one is begun and ended explicitly.
    return sqlite3.connect(
        f"{path.as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
    )


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Everything inside is written as a whole or not at all."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # some errors make SQLite end it
            database.execute("ROLLBACK")
        raise


@contextmanager
def _snapshot(database: sqlite3.Connection) -> Iterator[None]:
    """Everything inside sees the file as of one moment."""
    database.execute("BEGIN")
    try:
        yield
    finally:
        database.execute("ROLLBACK")


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Translates SQLite's errors, with the file's name and what would be right."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT):
            raise StoreDamaged(damaged(path, str(error))) from error
        if code == sqlite3.SQLITE_NOTADB:
            message = f"{path} is not a store; choose another file"
            raise StoreUnusable(message) from error
        if code == sqlite3.SQLITE_FULL:
            message = f"{path} cannot grow: the disk is full; make room and try again"
            raise StoreUnwritable(message) from error
        raise StoreUnwritable(f"{path} cannot be read or written: {error}") from error


def damaged(path: Path, found: str) -> str:
    return f"{path} is damaged ({' '.join(found.split())}); restore a backup"


def _insert(
    database: sqlite3.Connection, revisions: Iterable[Revision], created: Iterable[Created]
) -> None:
    with _transaction(database):
        for revision, numbers in zip(revisions, created, strict=True):
            draft = revision.draft
            database.execute(
                "INSERT INTO revisions VALUES (?, ?, ?, ?, ?)",
                (
                    revision.number,
                    revision.at.isoformat(),
                    draft.principal,
                    draft.source,
                    draft.reason,
                ),
            )
            database.executemany(_INSERT, _rows(revision, numbers))


def _rows(revision: Revision, created: Created) -> Iterator[dict[str, Any]]:
    for position, (key, manifest) in enumerate(revision.draft.writes.items()):
        yield {
            "resource": key.resource,
            "namespace": key.namespace,
            "name": key.name,
            "revision": revision.number,
            "created": created[key],
            "manifest": _encoded(manifest),
            "position": position,
        }


def _revisions(database: sqlite3.Connection, after: int, limit: int) -> Sequence[Revision]:
    with _snapshot(database):
        rows = database.execute(_REVISIONS, (after, limit)).fetchall()
        return tuple(
            Revision(number, datetime.fromisoformat(at), Draft(_writes(database, number), *author))
            for number, at, *author in rows
        )


def _writes(database: sqlite3.Connection, number: int) -> dict[ObjectId, Manifest | None]:
    return {
        ObjectId(*key): json.loads(manifest) if manifest else None
        for *key, manifest in database.execute(_WRITES, (number,))
    }


def objects_at(database: sqlite3.Connection, number: int) -> Objects:
    return MappingProxyType(
        {
            ObjectId(*key): StoredObject(json.loads(manifest), revision, created)
            for *key, manifest, created, revision in database.execute(_OBJECTS_AT, (number,))
            if manifest
        }
    )


def _encoded(manifest: Manifest | None) -> str | None:
    if manifest is None:
        return None
    return json.dumps(manifest, ensure_ascii=False, separators=(",", ":"))
