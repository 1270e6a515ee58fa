"""Reads the history: the newest revision first, in pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from laneway.apiserver import history
from laneway.apiserver.failures import Failure
from laneway.apiserver.virtual_resources import REVISION, Listed, Page
from laneway.control.revisions import (
    Manifest,
    ObjectId,
    Revision,
    RevisionStore,
    StoredObject,
    write,
)
from laneway.wiring.live_lists import LiveList
from laneway.wiring.reconciliation import LANEWAY, STATUS

#: The number of revisions that are read at a time, and the most in an answer.
_CHUNK = 200
_MOST = 500
#: The number of revisions with which a watch begins, and that it may be behind.
_WATCHED = 200


class RevisionLists:
    def __init__(self, store: RevisionStore) -> None:
        self._store = store

    async def page(self, page: Page) -> Listed:
        """``after`` is the number of the last revision of the previous page."""
        if page.after and not page.after.isdecimal():
            raise Failure(400, "continue: not a token of this list; list from the start")
        limit = min(page.limit or _MOST, _MOST)
        top = int(page.after) - 1 if page.after else self._store.latest
        found: list[dict[str, Any]] = []
        while top > self._store.compacted and len(found) <= limit:
            low = max(self._store.compacted, top - _CHUNK)
            found += reversed(await self._shown(low, top))
            top = low
        shown = found[:limit]
        last = shown[-1]["metadata"]["name"] if len(found) > limit else ""
        return Listed(shown, last)

    async def get(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        """The revision with the values of each field before and after."""
        if not name.isdecimal() or len(name) > 18:
            return None
        number = int(name)
        if not self._store.compacted < number <= self._store.latest:
            return None
        found = await self._shown(number - 1, number, whole=True)
        return found[0] if found else None

    def live(self, now: Callable[[], datetime]) -> LiveList:
        """The latest revisions, for watches. That old ones drop out is not reported."""
        recent: dict[ObjectId, Manifest] = {}
        filled = False

        async def current() -> Mapping[ObjectId, Manifest]:
            nonlocal filled
            if not filled:
                filled = True
                older = (await self.page(Page(_WATCHED))).items
                recent.update({_id(each): each for each in reversed(older)} | recent)
            while len(recent) > _WATCHED:
                del recent[min(recent, key=lambda key: int(key.name))]
            return dict(recent)

        def hear(revision: Revision, before: Mapping[ObjectId, StoredObject | None]) -> None:
            if _is_shown(revision):
                stood = {key: stored for key, stored in before.items() if stored is not None}
                shown = history.shown(revision, stood, whole=False)
                recent[_id(shown)] = shown
                made.wake()

        self._store.listen(hear)
        made = LiveList(current, now, kept=_WATCHED, is_whole=False)
        return made

    async def _shown(self, after: int, upto: int, *, whole: bool = False) -> list[dict[str, Any]]:
        """The revisions that follow ``after``, without those that only write statuses."""
        objects: dict[Any, StoredObject] = dict(await self._store.objects_at(after))
        shown = []
        for revision in await self._store.revisions(after, upto - after):
            if _is_shown(revision):
                shown.append(history.shown(revision, objects, whole=whole))
            write(objects, revision.number, revision.draft)
        return shown


def _id(shown: Manifest) -> ObjectId:
    return ObjectId(REVISION.qualified, "", shown["metadata"]["name"])


def _is_shown(revision: Revision) -> bool:
    return history.is_shown(revision, LANEWAY, STATUS)
