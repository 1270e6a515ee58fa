"""Virtual resources that can be watched.

The objects are computed on demand and compared with those of the last time, and the differences
become a revision of a store in memory. So they can be listed, selected, watched and resumed like
declared objects. Nothing is computed while nobody asks.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime

from laneway.adapters.http.watches import Watches
from laneway.adapters.store.memory import MemoryStore
from laneway.control.revisions import Draft, Manifest, ObjectId

#: The current objects.
Current = Callable[[], Awaitable[Mapping[ObjectId, Manifest]]]

_AUTHOR = "laneway"


class LiveList:
    """``kept`` is the number of revisions that a watch may be behind and still resume; one that is
    further behind gets 410 and lists again. ``period`` is the number of seconds between updates of
    watches; None means only on ``wake``. ``is_whole``: see ``LiveObjects``."""

    def __init__(
        self,
        current: Current,
        now: Callable[[], datetime],
        *,
        kept: int,
        period: float | None = None,
        is_whole: bool = True,
    ) -> None:
        # Revision numbers of an earlier server are smaller, so a watch that resumes with one gets
        # 410.
        before_first = int(now().timestamp() * 1000)
        self.store = MemoryStore(now, before_first)
        self.watches = Watches(self.store, kept)
        self.is_whole = is_whole
        self._current = current
        self._kept = kept
        self._period = period
        self._woken = asyncio.Event()
        self._refreshing = asyncio.Lock()

    def wake(self) -> None:
        self._woken.set()

    async def refresh(self) -> None:
        async with self._refreshing:
            current, known = await self._current(), self.store.objects
            writes: dict[ObjectId, Manifest | None] = {
                key: manifest
                for key, manifest in current.items()
                if key not in known or known[key].manifest != manifest
            }
            writes |= {key: None for key in known if key not in current}
            if not writes:
                return
            store = self.store
            await store.append(Draft(writes, _AUTHOR, _AUTHOR), expected=store.submitted)
            if store.latest - store.compacted > 2 * self._kept:
                await store.compact(store.latest - self._kept)

    async def follow(self) -> None:
        """Updates watches until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._period):
                    await self._woken.wait()
            self._woken.clear()
            if self.watches.count:
                await self.refresh()


async def follow_all(lists: Iterable[LiveList]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for each in lists:
            tasks.create_task(each.follow())
