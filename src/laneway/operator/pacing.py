"""When the reconciler makes its passes.

Changes come in bursts (a rollout, a folder that is applied). A pass waits until a burst pauses, but
not forever. Only one pass runs at a time; changes during a pass cause another one. Failures are
retried with exponential back-off, including what the API server refused, because permissions and
webhooks change without notice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from laneway.operator.isolation import internal_error
from laneway.operator.reconciler import Pass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: of quiet before a pass, at most before one, and between tries after faults."""

    quiet: float = 0.1
    at_most: float = 0.5
    first_retry: float = 1.0
    longest_retry: float = 60.0


#: Seconds after which the clock is read again, for a lane that expires in a year.
_LONGEST_WAIT = 3600.0
#: Times have whole seconds: without a pause, the second in which a lane expires is full of passes.
_SHORTEST_WAIT = 1.0


def _due(valid_for: float | None) -> float | None:
    """In how many seconds a pass is due that nothing else causes."""
    return None if valid_for is None else min(max(valid_for, _SHORTEST_WAIT), _LONGEST_WAIT)


class Pacer:
    def __init__(
        self,
        reconcile: Callable[[], Awaitable[Pass]],
        passed: Callable[[Pass, float], None] = lambda result, seconds: None,
        pace: Pace = Pace(),
    ) -> None:
        self._reconcile = reconcile
        self._passed = passed
        self._pace = pace
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Something has changed; a pass will follow."""
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled. The first pass is made at once."""
        wait = self._pace.first_retry
        clock = asyncio.get_running_loop().time
        while True:
            self._changed.clear()
            began = clock()
            try:
                result = await self._reconcile()
            except Exception as error:  # a bug: neither the process nor its lease ends for it
                result = Pass(failures=(internal_error(error),), faults=(error,))
            self._passed(result, clock() - began)
            again: float | None = None
            if result.failures:
                again, wait = wait, min(2 * wait, self._pace.longest_retry)
            else:
                wait = self._pace.first_retry
                again = _due(result.valid_for)
            if await self._change_within(again):
                await self._settle(clock() + self._pace.at_most)

    async def _change_within(self, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def _settle(self, deadline: float) -> None:
        clock = asyncio.get_running_loop().time
        while clock() < deadline:
            self._changed.clear()
            if not await self._change_within(min(self._pace.quiet, deadline - clock())):
                return
