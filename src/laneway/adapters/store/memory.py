"""A store in memory: its history ends with the process."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType

from laneway.adapters.store.queued import Clock, Created, QueuedStore
from laneway.control.revisions import ObjectId, Objects, Revision, StoredObject, write


class MemoryStore(QueuedStore):
    """See ``RevisionStore``. The numbers of revisions begin after ``before_first``."""

    def __init__(self, clock: Clock, before_first: int = 0) -> None:
        super().__init__(clock, {}, latest=before_first, compacted=before_first)
        self._oldest: dict[ObjectId, StoredObject] = {}
        self._revisions: list[Revision] = []

    async def revisions(self, after: int, limit: int) -> Sequence[Revision]:
        self.check_history(after)
        first = self._following(after)
        return tuple(self._revisions[first : first + limit])

    async def objects_at(self, number: int) -> Objects:
        self.check_number(number)
        objects = dict(self._oldest)
        for revision in self._revisions[: self._following(number)]:
            write(objects, revision.number, revision.draft)
        return MappingProxyType(objects)

    async def last_before(self, moment: datetime) -> int:
        since = (each.number for each in self._revisions if each.at >= moment)
        return next(since, self._latest + 1) - 1

    async def compact(self, number: int) -> None:
        objects = await self.objects_at(number)
        self._oldest = dict(objects)
        del self._revisions[: self._following(number)]
        self._compacted = number

    async def _keep(self, revisions: Sequence[Revision], created: Sequence[Created]) -> None:
        self._revisions.extend(revisions)

    def _following(self, number: int) -> int:
        """The index of the first revision after ``number``."""
        return bisect_right(self._revisions, number, key=lambda revision: revision.number)
