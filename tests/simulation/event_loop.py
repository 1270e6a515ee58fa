"""An asyncio event loop whose time is virtual, and whose order is a seed's.

Of the callbacks that are ready, any may be the next one: whatever depends on a luckier order fails
for some seed. Time goes on when nothing is ready, to the next timer.

Callbacks belong to the process that was running when they were scheduled. Those of a process that
was killed never run, not even their ``finally`` clauses.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import itertools
from asyncio.events import _set_running_loop
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from random import Random
from typing import Any, TypeVarTuple, Unpack

_Ts = TypeVarTuple("_Ts")
#: Virtual seconds that a callback takes: no two things happen at the same moment.
_STEP = 1e-6
#: A simulation takes some ten thousand steps.
_MOST_STEPS = 2_000_000


class Stuck(Exception):
    """Nothing will ever happen, or it never ends."""


class Process:
    """What lives and dies together."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run ``work`` as a task of this process."""
        context = contextvars.copy_context()
        context.run(_PROCESS.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)


_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
#: The context of what belongs to no process, such as a message that is under way.
NOBODY = Context()


class _Task(asyncio.Task[Any]):
    """Tasks are numbered in the order in which they begin."""

    number = 0

    def __hash__(self) -> int:
        return self.number


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs one simulation, by ``simulate``."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self._now = 0.0
        self._number = itertools.count()
        self._soon: list[tuple[asyncio.Handle, Process | None]] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle, Process | None]] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._left_undone: list[asyncio.Handle] = []
        self.steps = 0
        self.failures: list[str] = []
        self.set_exception_handler(self._failed)

    def simulate(self, main: Coroutine[Any, Any, Any]) -> None:
        """Until ``main`` ends. Raises what it raises, and ``Stuck``."""
        _set_running_loop(self)
        try:
            task = self.create_task(main)
            while not task.done():
                self._step()
            task.result()
        finally:
            self._end_all()
            _set_running_loop(None)
            self.close()

    def time(self) -> float:
        return self._now

    def call_soon(
        self,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        context = contextvars.copy_context() if context is None else context
        handle = asyncio.Handle(callback, args, self, context)
        self._soon.append((handle, context.get(_PROCESS)))
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        context = contextvars.copy_context() if context is None else context
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        timer = (when, next(self._number), handle, context.get(_PROCESS))
        heapq.heappush(self._timers, timer)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def create_task(  # type: ignore[override]
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[Any]:
        """Those of killed processes are kept until the end, so that no ``finally`` runs."""
        task = _Task(coro, loop=self, name=name, context=context)
        task.number = len(self._tasks)
        self._tasks.append(task)
        return task

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """There are no threads: it is computed at some later moment."""
        computed = self.create_future()

        def compute() -> None:
            if computed.cancelled():
                return
            try:
                computed.set_result(func(*args))
            except Exception as error:
                computed.set_exception(error)

        self.call_later(self._random.uniform(0, 0.05), compute)
        return computed

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its time has come."""

    def _step(self) -> None:
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise Stuck(f"no end after {self.steps} steps")
        self._now += _STEP
        if not self._soon:
            if not self._timers:
                raise Stuck("nothing will ever happen")
            self._now = max(self._now, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now:
            _, _, timer, process = heapq.heappop(self._timers)
            self._soon.append((timer, process))
        index = int(self._random.random() * len(self._soon))
        self._soon[index], self._soon[-1] = self._soon[-1], self._soon[index]
        handle, process = self._soon.pop()
        if process is not None and not process.alive:
            self._left_undone.append(handle)
        elif not handle.cancelled():
            known = len(self._soon)
            handle._run()
            self._soon[known:] = sorted(self._soon[known:], key=_subject)

    def _failed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.failures.append(f"{context['message']}: {error!r}")

    def _end_all(self) -> None:
        """Cancel what is left, so that nothing is destroyed while it waits."""
        self.set_exception_handler(lambda loop, context: None)
        handles = deque([*self._left_undone, *(handle for handle, _ in self._soon)])
        self._soon.clear()
        for _ in range(20):
            for task in self._tasks:
                task.cancel()
            while handles:
                handle = handles.popleft()
                if not handle.cancelled():
                    handle._run()
                handles.extend(handle for handle, _ in self._soon)
                self._soon.clear()
            if all(task.done() for task in self._tasks):
                return


def _subject(scheduled: tuple[asyncio.Handle, Process | None]) -> tuple[int, str]:
    """What a callback belongs to. Libraries schedule callbacks in the order of sets, which depends
    on where objects happen to be in memory: those of one step are put into an order of their own.
    """
    callback: Any = scheduled[0]._callback  # type: ignore[attr-defined]
    owner = getattr(callback, "__self__", None)
    number = owner.number if isinstance(owner, _Task) else -1
    return number, getattr(callback, "__qualname__", "")
