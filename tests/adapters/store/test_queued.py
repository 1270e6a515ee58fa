"""Group commit, and what becomes of drafts behind a write that failed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.adapters.store.revisions import Clock, append, draft, labels

from laneway.adapters.store.memory import MemoryStore
from laneway.adapters.store.queued import Created
from laneway.control.revisions import Revision, StoreError


class SlowStore(MemoryStore):
    """Its disk waits for ``disk``, fails once when ``full``, and notes each write's revisions."""

    def __init__(self) -> None:
        super().__init__(Clock())
        self.disk = asyncio.Event()
        self.asked = asyncio.Event()
        self.full = False
        self.writes: list[list[int]] = []

    async def _keep(self, revisions: Sequence[Revision], created: Sequence[Created]) -> None:
        self.asked.set()
        await self.disk.wait()
        self.writes.append([revision.number for revision in revisions])
        if self.full:
            self.full = False
            raise StoreError("the disk is full")
        await super()._keep(revisions, created)


def submit(store: SlowStore, **writes: object) -> asyncio.Task[Revision]:
    return asyncio.create_task(store.append(draft(**writes), expected=store.submitted))


async def test_what_came_in_during_a_write_is_written_together() -> None:
    store = SlowStore()
    waiting = []
    for number in range(5):
        waiting.append(submit(store, s1=str(number)))
        await asyncio.sleep(0)
    store.disk.set()
    await asyncio.gather(*waiting)
    assert store.writes == [[1], [2, 3, 4, 5]]


async def test_nothing_is_seen_before_it_is_kept() -> None:
    store = SlowStore()
    waiting = submit(store, s1="a")
    await store.asked.wait()
    assert (store.latest, labels(store.objects)) == (0, {})
    assert (store.submitted, labels(store.submitted_objects)) == (1, {"s1": ("a", 1)})
    store.disk.set()
    await waiting
    assert (store.latest, labels(store.objects)) == (1, {"s1": ("a", 1)})


async def test_what_waits_behind_a_write_that_fails_fails_with_it() -> None:
    store = SlowStore()
    store.disk.set()
    await append(store, s1="a")
    store.disk.clear()
    store.full = True
    waiting = []
    for label in "bcd":
        waiting.append(submit(store, s1=label))
        await asyncio.sleep(0)
    store.disk.set()
    failed = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(error) for error in failed] == ["the disk is full"] * 3
    assert (store.submitted, labels(store.submitted_objects)) == (1, {"s1": ("a", 1)})
    assert store.writes == [[1], [2]]
    assert await append(store, s1="e") == 2
    assert labels(store.objects) == {"s1": ("e", 2)}


async def test_drafts_that_failed_are_not_waited_for() -> None:
    """Whoever waited for a submitted revision would wait for ever."""
    store = SlowStore()
    store.full = True
    failing = [submit(store, s1=label) for label in "ab"]
    await store.asked.wait()
    settled = asyncio.create_task(store.settled())
    await asyncio.sleep(0)
    assert not settled.done()
    store.disk.set()
    assert await settled == 0
    assert await asyncio.gather(*failing, return_exceptions=True)
