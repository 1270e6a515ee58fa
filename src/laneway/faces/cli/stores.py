"""``laneway store``: backups, checks, and the history of the store of ``laneway serve``."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from laneway.adapters.store import maintenance
from laneway.adapters.store.errors import StoreInUse
from laneway.adapters.store.maintenance import Contents
from laneway.adapters.store.sqlite import SqliteStore
from laneway.control.compaction import HistoryBounds
from laneway.faces.cli.server_requests import SOCKET, LocalServer, request
from laneway.faces.cli.terminals import errors, fact, output
from laneway.wiring import compactions
from laneway.wiring.stored_declarations import errors_of

STORE = "store"
_COMPACTIONS = "/apis/api.laneway.dev/v1alpha1/compactions"


def backup(data: Path, file: Path) -> int:
    contents = maintenance.back_up(data / STORE, file.absolute())
    output().print(f"{file}: {_words(contents)}", soft_wrap=True)
    return 0


def restore(data: Path, file: Path) -> int:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    contents = maintenance.restore(file.absolute(), data / STORE)
    output().print(f"{data / STORE}: {_words(contents)}", soft_wrap=True)
    return 0


def compact(data: Path, keep: int) -> int:
    """By the server where one has the store."""
    maintenance.check(data / STORE)
    try:
        removed = asyncio.run(_compact(data / STORE, keep))
    except StoreInUse:
        wanted = {"spec": {"keep": keep}}
        removed = request(LocalServer(data / SOCKET), "POST", _COMPACTIONS, wanted)["status"][
            "removed"
        ]
    output().print(f"{removed} revisions removed; what is declared stays")
    return 0


async def _compact(path: Path, keep: int) -> int:
    store = SqliteStore.open(path, lambda: datetime.now(UTC))
    try:
        return await compactions.compact(store, HistoryBounds.last(keep), datetime.now(UTC))
    finally:
        await store.close()


def check(data: Path) -> int:
    """1 if there are objects that this laneway cannot read."""
    contents = maintenance.check(data / STORE)
    output().print(f"{data / STORE}: {_words(contents)}", soft_wrap=True)
    unreadable = False
    for key, stored in sorted(contents.objects.items(), key=lambda item: item[0]):
        for finding in errors_of(key, stored.manifest):
            unreadable = True
            text = f"{key}: {finding.field_explanation}"
            errors().print(fact("cannot be read:", "bold red", text), soft_wrap=True)
    return int(unreadable)


def _words(contents: Contents) -> str:
    history = f"history from revision {contents.compacted + 1} to {contents.latest}"
    if contents.latest == contents.compacted:
        history = f"no history, at revision {contents.latest}"
    return f"{len(contents.objects)} objects, {history}, {contents.tokens} tokens"
