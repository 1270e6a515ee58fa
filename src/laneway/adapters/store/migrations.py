"""The tables of a store file, and the migrations from earlier versions.

``MIGRATIONS[n]`` leads from version ``n`` to ``n + 1``. A released migration is never changed.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from laneway.adapters.store.errors import StoreUnusable

#: "lane": tools such as `file` recognise the format by it (``PRAGMA application_id``).
APPLICATION = 0x6C616E65

_LOG = """
CREATE TABLE revisions (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    principal TEXT NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE TABLE writes (
    resource TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    manifest TEXT,
    PRIMARY KEY (resource, namespace, name, revision)
) STRICT, WITHOUT ROWID;
CREATE INDEX writes_by_revision ON writes (revision);
CREATE TABLE compaction (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    number INTEGER NOT NULL
) STRICT;
INSERT INTO compaction VALUES (1, 0);
"""
_TOKENS = """
CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    digest BLOB NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created TEXT NOT NULL,
    expires TEXT NOT NULL
) STRICT;
"""
#: The position of an object among those of its first revision, which determines their order.
_POSITIONS = "ALTER TABLE writes ADD COLUMN position INTEGER NOT NULL DEFAULT 0;"
MIGRATIONS = (_LOG, _TOKENS, _POSITIONS)


def migrate(database: sqlite3.Connection, path: Path) -> None:
    """Migrates the file to the newest version, in one transaction for each step.

    Raises ``StoreUnusable`` for a file of a later version, or one that is not a store.
    """
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION and (version or tables):
        raise StoreUnusable(f"{path} is a database of another program; choose another file")
    if version > len(MIGRATIONS):
        raise StoreUnusable(
            f"{path} was written by a later laneway (its version is {version}, and this one knows "
            f"{len(MIGRATIONS)}); install that laneway, or restore a backup from before it"
        )
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        # A failing script leaves its transaction open; closing the file rolls it back.
        database.executescript(
            f"BEGIN IMMEDIATE; {script}"
            f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {number}; COMMIT;"
        )
