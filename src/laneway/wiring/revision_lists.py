"""Reading the history: the newest revision first, in pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laneway.apiserver import history
from laneway.apiserver.failures import Failure
from laneway.apiserver.virtual_resources import Listed, Page
from laneway.control.revisions import Revision, RevisionStore, StoredObject, write
from laneway.wiring.reconciliation import LANEWAY, STATUS

#: How many revisions are read at a time, and the most in an answer.
_CHUNK = 200
_MOST = 500


class RevisionLists:
    def __init__(self, store: RevisionStore) -> None:
        self._store = store

    async def page(self, page: Page) -> Listed:
        """``after`` is the number of the last revision of the page before."""
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
        """With what each field was and is."""
        if not name.isdecimal() or len(name) > 18:
            return None
        number = int(name)
        if not self._store.compacted < number <= self._store.latest:
            return None
        found = await self._shown(number - 1, number, whole=True)
        return found[0] if found else None

    async def _shown(self, after: int, upto: int, *, whole: bool = False) -> list[dict[str, Any]]:
        """What follows ``after``, without the revisions that only write statuses."""
        objects: dict[Any, StoredObject] = dict(await self._store.objects_at(after))
        shown = []
        for revision in await self._store.revisions(after, upto - after):
            if _is_shown(revision):
                shown.append(history.shown(revision, objects, whole=whole))
            write(objects, revision.number, revision.draft)
        return shown


def _is_shown(revision: Revision) -> bool:
    return history.is_shown(revision, LANEWAY, STATUS)
