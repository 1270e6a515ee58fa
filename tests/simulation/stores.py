"""A disk that outlives processes, and the store on it, which fails around each write."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Sequence

from laneway.adapters.store.memory import MemoryStore
from laneway.adapters.store.queued import Clock, Created, QueuedStore
from laneway.control.revisions import (
    Draft,
    ObjectId,
    Objects,
    Revision,
    StoredObject,
    StoreError,
    write,
)


class Fault(enum.Enum):
    """What happens to one write."""

    NONE = "none"
    FULL = "the disk is full"
    CRASH_BEFORE = "crash before the write"
    CRASH_AFTER = "crash after the write, before its acknowledgement"


class Disk:
    """The revisions that are kept for good. A store reads only those after ``compacted``; the
    others are there for the invariants."""

    def __init__(self) -> None:
        self.revisions: list[Revision] = []
        self.compacted = 0

    def objects(self, upto: int | None = None) -> dict[ObjectId, StoredObject]:
        """As of the last revision, or as of another one."""
        objects: dict[ObjectId, StoredObject] = {}
        for revision in self.revisions[:upto]:
            write(objects, revision.number, revision.draft)
        return objects


class DiskStore(MemoryStore):
    """``fault`` says what happens to the next write, ``crash`` ends the process.

    ``submitting`` hears of each draft before anything else happens.
    """

    def __init__(
        self,
        disk: Disk,
        clock: Clock,
        latency: Callable[[], float],
        fault: Callable[[], Fault],
        crash: Callable[[str], None],
        submitting: Callable[[Draft], None],
    ) -> None:
        super().__init__(clock)
        latest = disk.revisions[-1].number if disk.revisions else 0
        QueuedStore.__init__(self, clock, disk.objects(), latest, disk.compacted)
        self._oldest = disk.objects(disk.compacted)
        self._revisions = list(disk.revisions[disk.compacted :])
        self._disk = disk
        self._latency = latency
        self._fault = fault
        self._crash = crash
        self._submitting = submitting

    async def append(self, draft: Draft, *, expected: int) -> Revision:
        self._submitting(draft)
        return await super().append(draft, expected=expected)

    async def revisions(self, after: int, limit: int) -> Sequence[Revision]:
        await asyncio.sleep(self._latency())
        return await super().revisions(after, limit)

    async def objects_at(self, number: int) -> Objects:
        await asyncio.sleep(self._latency())
        return await super().objects_at(number)

    async def compact(self, number: int) -> None:
        await super().compact(number)
        self._disk.compacted = number

    async def _keep(self, revisions: Sequence[Revision], created: Sequence[Created]) -> None:
        fault = self._fault()
        await asyncio.sleep(self._latency())
        if fault is Fault.FULL:
            raise StoreError(fault.value)
        if fault is Fault.CRASH_BEFORE:
            await self._end(fault)
        self._disk.revisions.extend(revisions)
        await asyncio.sleep(self._latency())
        if fault is Fault.CRASH_AFTER:
            await self._end(fault)
        await super()._keep(revisions, created)

    async def _end(self, fault: Fault) -> None:
        self._crash(fault.value)
        await asyncio.Event().wait()
