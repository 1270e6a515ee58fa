"""Keeps the history of a store within its bounds, while the store is written to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from laneway.control.compaction import HistoryBounds
from laneway.control.revisions import RevisionStore, StoreError

#: Seconds between checks.
_EVERY = 600.0
#: The number of revisions that are removed at once: writes wait meanwhile.
_STEP = 2_000


async def compact(store: RevisionStore, bounds: HistoryBounds, now: datetime) -> int:
    """Returns how many revisions were removed. Raises ``StoreError``."""
    outdated = 0
    if bounds.age < timedelta.max:
        outdated = await store.last_before(now - bounds.age)
    before = at = store.compacted
    end = bounds.compacted(store.latest, before, outdated)
    while at < end:
        at = min(at + _STEP, end)
        await store.compact(at)
    return end - before


async def compact_regularly(
    store: RevisionStore,
    bounds: HistoryBounds,
    now: Callable[[], datetime],
    report: Callable[[str], None],
    seconds: float = _EVERY,
) -> None:
    """Runs until cancelled."""
    while True:
        try:
            await compact(store, bounds, now())
        except StoreError as error:
            report(f"the history cannot be compacted: {error}")
        await asyncio.sleep(seconds)
