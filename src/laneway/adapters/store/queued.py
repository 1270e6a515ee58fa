"""The common part of the stores: a queue of drafts with group commit.

Writing one revision to a disk takes as long as writing a hundred, so all drafts that arrive during
one write go into the next one. Every draft was checked against those before it. So if a write
fails, all drafts that wait behind it fail, too.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from laneway.control.histograms import Histogram
from laneway.control.revisions import (
    Draft,
    Listener,
    ObjectId,
    Objects,
    OutdatedDraft,
    Revision,
    RevisionCompacted,
    StoredObject,
    StoreError,
    write,
)

Clock = Callable[[], datetime]
#: In seconds, for fast, slow and busy disks.
_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
#: The creating revision of each object that a revision writes.
Created = Mapping[ObjectId, int]


@dataclass(frozen=True, slots=True)
class _Waiting:
    revision: Revision
    created: Created
    kept: asyncio.Future[None]


class QueuedStore(ABC):
    """A ``RevisionStore`` over ``_keep``. All methods are called on one event loop."""

    def __init__(
        self, clock: Clock, objects: Mapping[ObjectId, StoredObject], latest: int, compacted: int
    ) -> None:
        self._clock = clock
        self._objects = dict(objects)
        self._snapshot: Objects | None = None
        self._latest = latest
        self._compacted = compacted
        self._submitted_objects = dict(objects)
        self._submitted = latest
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None
        self._listeners: list[Listener] = []
        self._guards: list[Callable[[Draft], None]] = []
        self._closed = False
        #: Of the draft that was submitted last. Those before it are done no later.
        self._last: asyncio.Future[None] | None = None
        #: The durations of the batches' writes.
        self.write_seconds = Histogram(_BUCKETS)

    @property
    def latest(self) -> int:
        return self._latest

    @property
    def compacted(self) -> int:
        return self._compacted

    @property
    def objects(self) -> Objects:
        if self._snapshot is None:
            self._snapshot = MappingProxyType(dict(self._objects))
        return self._snapshot

    @property
    def submitted(self) -> int:
        return self._submitted

    @property
    def submitted_objects(self) -> Objects:
        return MappingProxyType(self._submitted_objects)

    async def append(self, draft: Draft, *, expected: int) -> Revision:
        if self._closed:
            raise StoreError("the store is closed")
        if expected != self._submitted:
            raise OutdatedDraft(
                f"the change was made from revision {expected}, "
                f"and revision {self._submitted} was written since"
            )
        self.check(draft)
        self._submitted += 1
        revision = Revision(self._submitted, self._clock(), draft)
        before = self._submitted_objects
        created = {key: before[key].created for key in draft.writes if key in before}
        write(self._submitted_objects, revision.number, draft)
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        created = dict.fromkeys(draft.writes, revision.number) | created
        self._waiting.append(_Waiting(revision, created, kept))
        self._last = kept
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_what_waits())
        # A cancelled wait does not withdraw the draft.
        await asyncio.shield(kept)
        return revision

    def check(self, draft: Draft) -> None:
        for check in self._guards:
            check(draft)

    def guard(self, check: Callable[[Draft], None]) -> None:
        self._guards.append(check)

    def listen(self, listener: Listener) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def settled(self) -> int:
        if self._last is not None:
            await asyncio.wait([self._last])
        return self._latest

    async def close(self) -> None:
        """Returns when all submitted drafts are stored or have failed."""
        self._closed = True
        while self._writer is not None:
            await asyncio.wait([self._writer])

    def check_history(self, after: int) -> None:
        """Raises ``RevisionCompacted`` if revisions that follow ``after`` have been removed."""
        if after < self._compacted:
            raise RevisionCompacted(
                f"revision {after} is too old: the history up to {self._compacted} was compacted"
            )

    def check_number(self, number: int) -> None:
        """Raises ``StoreError`` unless the objects as of ``number`` are known."""
        self.check_history(number)
        if number > self._latest:
            raise StoreError(f"there is no revision {number} yet; the latest is {self._latest}")

    async def _write_what_waits(self) -> None:
        clock = asyncio.get_running_loop().time
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                began = clock()
                try:
                    await self._keep([e.revision for e in batch], [e.created for e in batch])
                except StoreError as error:
                    self._fail(batch, error)
                else:
                    self.write_seconds.observe(clock() - began)
                    self._acknowledge(batch)
        finally:
            self._writer = None

    def _acknowledge(self, batch: Sequence[_Waiting]) -> None:
        for each in batch:
            revision, kept = each.revision, each.kept
            before = {key: self._objects.get(key) for key in revision.draft.writes}
            write(self._objects, revision.number, revision.draft)
            self._latest = revision.number
            self._snapshot = None  # a listener may have looked at the one before
            if not kept.done():
                kept.set_result(None)
            self._tell(revision, before)

    def _tell(self, revision: Revision, before: Mapping[ObjectId, StoredObject | None]) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(revision, before)
            except Exception as error:  # a failing listener must not stop the writes
                context = {"message": "a listener of the store failed", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)

    def _fail(self, batch: Sequence[_Waiting], error: StoreError) -> None:
        behind, self._waiting = self._waiting, []
        self._submitted = self._latest
        self._submitted_objects = dict(self._objects)
        for each in (*batch, *behind):
            if not each.kept.done():
                each.kept.set_exception(error)

    @abstractmethod
    async def _keep(self, revisions: Sequence[Revision], created: Sequence[Created]) -> None:
        """Stores all revisions or, with a ``StoreError``, none. ``created`` belongs to each
        revision."""
