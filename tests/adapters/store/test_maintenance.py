"""Backup, restore and check of a store's file: beside the process that writes, and without one."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.adapters.store.revisions import Clock, append, labels

from laneway.adapters.store import maintenance
from laneway.adapters.store.errors import StoreDamaged, StoreUnusable, StoreUnwritable
from laneway.adapters.store.memory import MemoryStore
from laneway.adapters.store.sqlite import SqliteStore
from laneway.control.compaction import HistoryBounds
from laneway.control.revisions import RevisionStore
from laneway.wiring.compactions import compact


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


def opened(path: Path) -> SqliteStore:
    return SqliteStore.open(path, Clock())


async def test_what_was_backed_up_while_it_was_written_is_restored(path: Path) -> None:
    store = opened(path)
    await append(store, s1="a", s2="b")
    saved = maintenance.back_up(path, path.with_name("backup"))
    assert (saved.latest, labels(saved.objects)) == (1, {"s1": ("a", 1), "s2": ("b", 1)})
    await append(store, s1="c")
    await store.close()
    other = path.parent / "other"
    other.mkdir()
    maintenance.restore(path.with_name("backup"), other / "store")
    assert stat.S_IMODE((other / "store").stat().st_mode) == 0o600
    again = opened(other / "store")
    assert (again.latest, labels(again.objects)) == (1, labels(saved.objects))
    assert await append(again, s1="d") == 2
    await again.close()
    assert sorted(each.name for each in other.iterdir()) == ["store", "store.lock"]


async def test_a_store_that_was_not_closed_is_backed_up_whole(path: Path) -> None:
    store = opened(path)
    await append(store, s1="a")
    await append(store, s1="b")  # still in the log that is written ahead
    assert labels(maintenance.check(path).objects) == {"s1": ("b", 2)}
    await store.close()


@pytest.mark.parametrize("name", ["store", "store-wal", "store-shm"])
async def test_nothing_is_replaced(path: Path, name: str) -> None:
    await opened(path).close()
    backup = path.with_name("backup")
    maintenance.back_up(path, backup)
    target = path.parent / "there" / "store"
    target.parent.mkdir()
    target.with_name(name).write_text("precious")
    with pytest.raises(StoreUnusable, match=f"there/{name} is there already, and is not replaced"):
        maintenance.restore(backup, target)
    with pytest.raises(StoreUnwritable, match="backup is there already, and is not replaced"):
        maintenance.back_up(path, backup)
    assert target.with_name(name).read_text() == "precious"
    assert [each.name for each in target.parent.iterdir()] == [name]


async def test_a_damaged_backup_is_not_restored(path: Path) -> None:
    store = opened(path)
    for number in range(50):
        await append(store, **{f"s{number}": "x" * 2_000})
    await store.close()
    text = bytearray(path.read_bytes())
    text[len(text) // 2 : len(text) // 2 + 4096] = b"\xff" * 4096
    path.write_bytes(text)
    with pytest.raises(StoreDamaged, match="is damaged"):
        maintenance.restore(path, path.with_name("new"))
    assert not path.with_name("new").exists()


async def test_a_revision_that_is_missing_is_noticed(path: Path) -> None:
    store = opened(path)
    for label in "abc":
        await append(store, s1=label)
    await store.close()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM revisions WHERE number = 2")
    with pytest.raises(StoreDamaged, match="of revisions 1 to 3, 2 are there"):
        maintenance.check(path)


def test_what_is_no_store_is_refused(path: Path) -> None:
    with pytest.raises(StoreUnusable, match="there is no store"):
        maintenance.check(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreUnusable, match="is not a store of laneway"):
        maintenance.restore(path, path.with_name("new"))
    path.write_text("kind: Lane\n" * 100)
    with pytest.raises(StoreUnusable, match="is not a store"):
        maintenance.check(path)


@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_history_is_kept_within_its_bounds(path: Path, kind: str) -> None:
    """The clock of the store goes on by a second with each revision."""
    clock = Clock()
    store: RevisionStore = MemoryStore(clock) if kind == "memory" else SqliteStore.open(path, clock)
    for number in range(20):
        await append(store, s1=str(number), **{f"t{number}": "x"})
    bounds = HistoryBounds(age=timedelta(seconds=8), most=15, least=2)
    assert await store.last_before(clock() - timedelta(seconds=8)) == 12
    assert await compact(store, bounds, clock() - timedelta(seconds=1)) == 12
    assert (store.compacted, store.latest) == (12, 20)
    assert len(store.objects) == 21
    assert len(await store.objects_at(12)) == 13
    assert [each.number for each in await store.revisions(12, 100)] == list(range(13, 21))
    assert await compact(store, bounds, clock() + timedelta(days=1)) == 6
    assert store.compacted == 18
    await store.close()
