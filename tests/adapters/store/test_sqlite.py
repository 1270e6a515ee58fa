"""A store in a file: what is kept, who may open it, and what it refuses."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from tests.adapters.store.revisions import Clock, append, labels

from laneway.adapters.store import migrations
from laneway.adapters.store.errors import (
    StoreDamaged,
    StoreInUse,
    StoreUnusable,
    StoreUnwritable,
)
from laneway.adapters.store.sqlite import SqliteStore
from laneway.control.revisions import RevisionCompacted

_WRITER = [sys.executable, "-m", "tests.adapters.store.writer"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


def opened(path: Path) -> SqliteStore:
    return SqliteStore.open(path, Clock())


async def written(path: Path, *labels: str) -> None:
    store = opened(path)
    for label in labels:
        await append(store, s1=label)
    await store.close()


async def test_what_was_kept_is_there_when_the_file_is_opened_again(path: Path) -> None:
    store = opened(path)
    await append(store, s1="a", s2="b")
    await append(store, s1=None, s2="c")
    history = await store.revisions(after=0, limit=10)
    await store.close()
    again = opened(path)
    assert (again.latest, labels(again.objects)) == (2, {"s2": ("c", 2)})
    assert await again.revisions(after=0, limit=10) == history
    assert await append(again, s1="d") == 3
    await again.close()


async def test_objects_of_one_revision_keep_their_order_when_the_file_is_opened_again(
    path: Path,
) -> None:
    store = opened(path)
    await append(store, s9="a", s1="a")
    await append(store, s1="b")
    await store.close()
    store = opened(path)
    assert [key.name for key in store.objects] == ["s9", "s1"]
    await store.close()


async def test_numbers_go_on_where_all_history_was_compacted(path: Path) -> None:
    store = opened(path)
    await append(store, s1="a")
    await append(store, s1=None)
    await store.compact(2)
    await store.close()
    again = opened(path)
    assert (again.latest, again.compacted, labels(again.objects)) == (2, 2, {})
    assert await append(again, s1="b") == 3
    await again.close()


@pytest.mark.parametrize("read", ["revisions", "objects"])
async def test_a_read_that_compaction_overtakes_says_that_its_history_is_gone(
    path: Path, read: str
) -> None:
    """It would return what is left of the history as if it were all."""
    store = opened(path)
    for label in ("a", "b", "c"):
        await append(store, s1=label)
    delayed = threading.Event()
    store._reading.submit(delayed.wait)
    found = asyncio.create_task(
        store.objects_at(1) if read == "objects" else store.revisions(after=0, limit=10)
    )
    await asyncio.sleep(0)
    await store.compact(2)
    delayed.set()
    with pytest.raises(RevisionCompacted):
        await found
    await store.close()


async def test_compaction_gives_the_space_back(path: Path) -> None:
    store = opened(path)
    for number in range(50):
        await append(store, s1=str(number) + "x" * 20_000)
    await store.close()
    before = path.stat().st_size
    store = opened(path)
    await store.compact(50)
    await store.close()
    assert path.stat().st_size < before / 10


async def test_no_other_user_can_read_the_files(path: Path) -> None:
    path.touch(mode=0o644)
    store = opened(path)
    await append(store, s1="a")
    files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert files == dict.fromkeys(("store", "store-wal", "store-shm", "store.lock"), 0o600)
    await store.close()


@pytest.mark.parametrize("name", ["store", "store-wal", "store.lock"])
async def test_a_link_that_was_planted_is_refused(path: Path, name: str) -> None:
    await written(path, "a")
    planted = path.with_name(name)
    planted.unlink(missing_ok=True)
    victim = path.with_name("victim")
    victim.write_text("precious")
    planted.symlink_to(victim)
    with pytest.raises(StoreUnusable, match=f"{name}: "):
        opened(path)
    assert victim.read_text() == "precious"


async def test_a_folder_that_others_can_write_to_is_refused(path: Path) -> None:
    path.parent.chmod(0o777)
    with pytest.raises(StoreUnusable, match="can be written by other users"):
        opened(path)


async def test_a_store_has_one_process_and_the_other_is_told_which(path: Path) -> None:
    with subprocess.Popen(
        [*_WRITER, str(path), "1000000"], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "open\n"
        try:
            with pytest.raises(StoreInUse, match=f"process {writer.pid}, .*tests.adapters.store"):
                opened(path)
        finally:
            writer.kill()
    opened(path)._lock.release()


async def test_a_store_is_had_once_within_a_process(path: Path) -> None:
    store = opened(path)
    with pytest.raises(StoreInUse, match=f"process {os.getpid()}"):
        opened(path)
    await store.close()
    await opened(path).close()


async def test_a_database_of_another_program_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreUnusable, match="is a database of another program"):
        opened(path)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]


async def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("kind: Lane\n" * 100)
    with pytest.raises(StoreUnusable, match="is not a store"):
        opened(path)
    assert path.read_text() == "kind: Lane\n" * 100


async def test_a_file_of_a_later_version_is_refused(path: Path) -> None:
    await written(path, "a")
    with closing(sqlite3.connect(path)) as later:
        later.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnusable, match=r"written by a later laneway \(its version is 99"):
        opened(path)


async def test_a_file_of_an_earlier_version_is_migrated(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(path, "a")
    steps = (*migrations.MIGRATIONS, "CREATE TABLE later (x);", "INSERT INTO later VALUES (1);")
    monkeypatch.setattr(migrations, "MIGRATIONS", steps)
    store = opened(path)
    assert labels(store.objects) == {"s1": ("a", 1)}
    await store.close()
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT x FROM later").fetchall() == [(1,)]
        assert file.execute("PRAGMA user_version").fetchone() == (len(steps),)


async def test_a_migration_that_fails_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(path, "a")
    steps = (*migrations.MIGRATIONS, "CREATE TABLE later (x); INSERT INTO nowhere VALUES (1);")
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", steps)
        with pytest.raises(StoreUnwritable, match="no such table: nowhere"):
            opened(path)
    store = opened(path)
    assert labels(store.objects) == {"s1": ("a", 1)}
    await store.close()
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT name FROM sqlite_schema WHERE name = 'later'").fetchall() == []


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
async def test_a_file_that_was_cut_is_said_to_be_damaged(path: Path, kept: float) -> None:
    store = opened(path)
    for number in range(50):
        await append(store, **{f"s{number}": "x" * 5000})
    await store.close()
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(StoreDamaged, match=r"is damaged .*; restore a backup"):
        opened(path)


async def test_a_backup_is_a_store_as_of_one_moment(path: Path) -> None:
    store = opened(path)

    async def keep_writing() -> None:
        for number in range(1, 200):
            await append(store, s1=str(number), s2=str(number))

    writing = asyncio.create_task(keep_writing())
    while store.latest < 20:
        await asyncio.sleep(0)
    copy = path.with_name("copy")
    await store.back_up(copy)
    await writing
    await store.close()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    backup = opened(copy)
    number = backup.latest
    assert 20 <= number <= 199
    assert labels(backup.objects) == dict.fromkeys(("s1", "s2"), (str(number), number))
    await backup.close()


async def test_a_backup_replaces_nothing(path: Path) -> None:
    store = opened(path)
    copy = path.with_name("copy")
    copy.write_text("precious")
    with pytest.raises(StoreUnwritable, match="copy cannot be made: File exists"):
        await store.back_up(copy)
    assert copy.read_text() == "precious"
    await store.close()


def _acknowledged(output: str) -> int:
    """The last number that was printed as kept, in whole."""
    lines = output.split("\n")[:-1]
    return max((int(line) for line in lines if line.isdigit()), default=0)


def _check_whole(store: SqliteStore) -> None:
    number = store.latest
    expected = dict.fromkeys(("s1", "s2"), (str(number), number)) if number else {}
    assert labels(store.objects) == expected


@pytest.mark.parametrize("after", [0, 17, 300, 900])
async def test_what_was_acknowledged_outlives_kill_9(path: Path, after: int) -> None:
    with subprocess.Popen(
        [*_WRITER, str(path), "1000"], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        seen = ""
        while _acknowledged(seen) < after or "open" not in seen:
            seen += writer.stdout.readline()
        writer.kill()
        seen += writer.stdout.read()
    store = opened(path)
    assert store.latest >= _acknowledged(seen) >= after
    _check_whole(store)
    await store.close()


async def test_a_log_that_was_cut_anywhere_has_whole_revisions(path: Path, tmp_path: Path) -> None:
    """After a power cut, the end of the write-ahead log may be missing."""
    store = opened(path)
    for number in range(1, 9):
        await append(store, s1=str(number), s2=str(number))
    log = path.with_name("store-wal").read_bytes()
    database = path.read_bytes()
    page = 4096 + 24  # https://sqlite.org/fileformat2.html#the_write_ahead_log
    cuts = {32 + frame * page for frame in range(len(log) // page)}
    cuts |= {cut + more for cut in cuts for more in (-1, 1, 24, 2000)} | {len(log)}
    seen = []
    for cut in sorted(cut for cut in cuts if 0 <= cut <= len(log)):
        copy = tmp_path / f"cut-{cut}"
        copy.mkdir()
        (copy / "store").write_bytes(database)
        (copy / "store-wal").write_bytes(log[:cut])
        reopened = opened(copy / "store")
        _check_whole(reopened)
        seen.append(reopened.latest)
        await reopened.close()
        shutil.rmtree(copy)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 8)
    await store.close()


async def test_a_file_that_cannot_grow_loses_nothing(path: Path) -> None:
    command = f"ulimit -f 400; exec {shlex.join([*_WRITER, str(path), '100000'])}"
    writer = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert f"{path} cannot be read or written" in writer.stderr
    store = opened(path)
    assert store.latest == _acknowledged(writer.stdout) > 10
    _check_whole(store)
    await append(store, s1="more", s2="more")
    await store.close()


async def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """On a disk of one megabyte, which takes a user namespace to mount."""
    copy = tmp_path.with_name(f"{tmp_path.name}-copy")
    copy.mkdir()
    script = (
        f"mount -t tmpfs -o size=1m,mode=700 none {tmp_path} || exit 77; "
        f"{shlex.join([*_WRITER, str(tmp_path / 'store'), '100000'])}; cp {tmp_path}/store* {copy}"
    )
    writer = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        capture_output=True,
        text=True,
    )
    if writer.returncode in (1, 77) and "open" not in writer.stdout:
        pytest.skip(f"no user namespaces here: {writer.stderr.strip()}")
    assert "cannot grow: the disk is full; make room and try again" in writer.stderr
    store = opened(copy / "store")
    assert store.latest == _acknowledged(writer.stdout) > 10
    _check_whole(store)
    await store.close()
