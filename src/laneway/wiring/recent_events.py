"""The last events about statuses. They are in memory, and are gone after a restart."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from laneway.apiserver.status_events import events_of
from laneway.apiserver.virtual_resources import Listed, Page
from laneway.control.revisions import ObjectId, Revision, RevisionStore, StoredObject

MOST = 1000


class RecentEvents:
    """Hears of every revision from when it is made until ``close``."""

    def __init__(self, store: RevisionStore) -> None:
        self._events: deque[dict[str, Any]] = deque(maxlen=MOST)
        self.close = store.listen(self._hear)

    async def page(self, page: Page) -> Listed:
        """The oldest first; ``after`` is a name."""
        found = [
            each for each in self._events if page.namespace in ("", each["metadata"]["namespace"])
        ]
        names = [each["metadata"]["name"] for each in found]
        first = names.index(page.after) + 1 if page.after in names else 0
        shown = found[first : first + page.limit] if page.limit else found[first:]
        more = page.limit and first + page.limit < len(found)
        return Listed(shown, shown[-1]["metadata"]["name"] if more else "")

    async def get(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        for each in self._events:
            metadata = each["metadata"]
            if (metadata["namespace"], metadata["name"]) == (namespace, name):
                return each
        return None

    def _hear(self, revision: Revision, before: Mapping[ObjectId, StoredObject | None]) -> None:
        self._events.extend(events_of(revision, before))
