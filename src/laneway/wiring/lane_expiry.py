"""Expiry of lanes while a mesh runs: the mesh is changed at that moment, as by a request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from laneway.model.lane_lives import next_expiry
from laneway.model.meshes import Mesh

Clock = Callable[[], datetime]

#: Seconds after which the clock is read again: it may have been set, or the machine may have slept.
LONGEST_WAIT = 30.0


def utc_now() -> datetime:
    return datetime.now(UTC)


async def follow_expiry(
    declared: Callable[[], Mesh],
    apply: Callable[[], Awaitable[bool]],
    changed: asyncio.Event,
    now: Clock = utc_now,
    longest: float = LONGEST_WAIT,
) -> None:
    """Calls ``apply`` whenever a lane of ``declared`` has expired, and again if it returns false,
    until cancelled. ``changed`` is set when the declared lanes change."""
    since, applied = datetime.min.replace(tzinfo=UTC), True
    while True:
        changed.clear()
        at = next_expiry(declared(), since)
        seconds = longest if at is None else min((at - now()).total_seconds(), longest)
        try:
            async with asyncio.timeout(seconds):
                await changed.wait()
        except TimeoutError:
            moment = now()
            if not applied or (at is not None and at <= moment):
                applied = await apply()
                since = moment
