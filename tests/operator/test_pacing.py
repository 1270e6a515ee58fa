"""When passes are made: bursts are one, changes during a pass make another, faults are retried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from laneway.operator.pacing import Pace, Pacer
from laneway.operator.reconciler import Pass

QUICK = Pace(quiet=0.01, at_most=0.05, first_retry=0.01, longest_retry=0.04)
#: Retries that no test waits for.
NEVER = Pace(quiet=0.01, at_most=0.05, first_retry=3600, longest_retry=3600)


class Reconciler:
    """Gives the results in turn, then clean ones; lets tests wait for so many passes."""

    def __init__(self, *results: Pass, during: Callable[[], None] = lambda: None) -> None:
        self.results = list(results)
        self.during = during
        self.passes = 0
        self._passed = asyncio.Condition()

    async def __call__(self) -> Pass:
        self.passes += 1
        self.during()
        async with self._passed:
            self._passed.notify_all()
        return self.results.pop(0) if self.results else Pass()

    async def made(self, number: int) -> None:
        try:
            async with asyncio.timeout(10), self._passed:
                await self._passed.wait_for(lambda: self.passes >= number)
        except TimeoutError:
            raise AssertionError(f"{self.passes} passes were made, not {number}") from None


@asynccontextmanager
async def running(pacer: Pacer) -> AsyncIterator[None]:
    task = asyncio.create_task(pacer.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_first_pass_is_made_at_once_and_no_other_without_a_change() -> None:
    reconciler = Reconciler()
    async with running(Pacer(reconciler, pace=QUICK)):
        await reconciler.made(1)
        await asyncio.sleep(0.05)
        assert reconciler.passes == 1


async def test_a_burst_is_one_pass() -> None:
    reconciler = Reconciler()
    pacer = Pacer(reconciler, pace=NEVER)
    async with running(pacer):
        await reconciler.made(1)
        for _ in range(100):
            pacer.changed()
        await reconciler.made(2)
        await asyncio.sleep(0.05)
        assert reconciler.passes == 2


async def test_changes_that_never_pause_do_not_wait_for_ever() -> None:
    reconciler = Reconciler()
    pacer = Pacer(reconciler, pace=NEVER)
    async with running(pacer):
        await reconciler.made(1)

        async def keep_changing() -> None:
            while True:
                pacer.changed()
                await asyncio.sleep(0)

        changing = asyncio.create_task(keep_changing())
        await reconciler.made(3)
        changing.cancel()
        await asyncio.gather(changing, return_exceptions=True)


async def test_a_change_during_a_pass_makes_another() -> None:
    reconciler = Reconciler()
    pacer = Pacer(reconciler, pace=NEVER)
    reconciler.during = lambda: pacer.changed() if reconciler.passes == 1 else None
    async with running(pacer):
        await reconciler.made(2)


async def test_what_failed_is_tried_again() -> None:
    reconciler = Reconciler(Pass(failures=("x",)))
    async with running(Pacer(reconciler, pace=QUICK)):
        await reconciler.made(2)


async def test_a_pass_that_raises_is_a_failed_pass_and_is_tried_again() -> None:
    passed: list[Pass] = []
    attempts, done = 0, asyncio.Event()

    async def reconcile() -> Pass:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise ValueError("a bug")
        return Pass()

    def record(result: Pass, _: float) -> None:
        passed.append(result)
        if len(passed) == 3:
            done.set()

    async with running(Pacer(reconcile, record, QUICK)), asyncio.timeout(10):
        await done.wait()
    assert [len(result.faults) for result in passed[:3]] == [1, 1, 0]
    assert "ValueError: a bug" in passed[0].failures[0]


async def test_a_pass_is_made_when_a_lane_expires() -> None:
    reconciler = Reconciler(Pass(valid_for=0.01))
    async with running(Pacer(reconciler, pace=NEVER)):
        await reconciler.made(2)
    # Soon, and not at once again and again: times have whole seconds.
    assert reconciler.passes == 2
