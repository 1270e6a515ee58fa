"""Keeps one workload or proxy running: starts, probes, restarts and stops it.

``workloads`` and ``proxies`` make the specs of processes, ``restart_policy`` and ``probes`` decide.
This module has the tasks and timers, and emits every change as an event.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from laneway.adapters.runner.errors import NotReady, Unstartable
from laneway.adapters.runner.probes import Probe, Readiness, until
from laneway.adapters.runner.processes import ExitStatus, Process
from laneway.adapters.runner.records import SupervisorRecord
from laneway.adapters.runner.restart_policy import Backoff, History
from laneway.control import events
from laneway.model.workloads import ReadinessProbe

Emit = Callable[[events.Event], None]


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A process that is to be kept running.

    ``launch`` is None for an application that runs already and is only probed. ``retire`` waits for
    the requests in a process and stops it, within the given seconds; ``grace`` is their number in
    all. ``counts`` says whether the result of a probe, such as the reason of a failure, counts.
    ``replace``, if supported, starts a process that takes over from the running one and makes
    that end. ``output`` returns the last lines of output.
    """

    subject: events.Subject
    probe: Probe
    readiness: ReadinessProbe
    start_timeout: float
    launch: Callable[[], Process] | None
    grace: Callable[[], float]
    retire: Callable[[Process, float], Awaitable[ExitStatus]]
    restarts: bool = True
    counts: Callable[[str], bool] = lambda problem: True
    replace: Callable[[], Awaitable[Process]] | None = None
    output: Callable[[], tuple[str, ...]] = tuple


class Supervisor:
    """Keeps one process running, from ``start`` to ``stop``."""

    def __init__(
        self,
        spec: ProcessSpec,
        emit: Emit,
        chance: Callable[[], float],
        backoff: Backoff,
    ) -> None:
        self.ready = False
        #: How often it was started again because it had ended.
        self.restarts = 0
        self._spec = spec
        self._emit = emit
        self._chance = chance
        self._history = History(backoff)
        self._process: Process | None = None
        self._ended_with = ExitStatus(0)
        self._problem = "not probed yet"
        self._failure = ""
        self._settled = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping: asyncio.Task[None] | None = None
        self._predecessors: set[Process] = set()
        self._succeeded = asyncio.Event()

    @property
    def subject(self) -> events.Subject:
        return self._spec.subject

    @property
    def pid(self) -> int | None:
        """The id of the running process. None between restarts, and if there is no process."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Starts the process and its supervision. Raises the exceptions of ``launch``."""
        self._launch()
        self._supervise()

    def resume(self, record: SupervisorRecord, process: Process | None) -> None:
        """Goes on where the supervisor of the program before this one was.

        ``process`` is None if there is none, or no such child any more; then it is started again.
        """
        self._process = process
        self._ended_with = ExitStatus(record.ended_with)
        self.restarts, self._history.ends = record.restarts, record.ends
        self.ready = record.ready and (process is not None or self._spec.launch is None)
        if self.ready:
            self._history.became_ready(_now())
            self._settled.set()
        self._supervise()

    def hand_over(self) -> SupervisorRecord:
        """The record for ``resume``. Output is not read any more. Nothing may be waited for until
        the program is replaced."""
        assert not self._predecessors
        process = self._process.hand_over() if self._process else None
        # ``resume`` counts the end of a process that has ended.
        counted = self._process is None and self._history.ends > 0
        ends = self._history.ends - 1 if counted else self._history.ends
        return SupervisorRecord(
            process, self.ready, self.restarts, ends, ended_with=self._ended_with.code
        )

    def _supervise(self) -> None:
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._await_late())]
        for task in self._tasks:
            task.add_done_callback(expose)

    async def wait_ready(self) -> None:
        """Waits until it is, or was, ready. Raises ``NotReady`` if that is not to be expected:
        after its start timeout, in a crash loop, or when it was given up or stopped."""
        await self._settled.wait()
        if self._failure:
            raise NotReady(self._failure)

    async def replace(self) -> None:
        """Replaces the running process by another one without losing requests.

        First waits until an earlier process, if it still drains, has ended. Raises ``Unstartable``
        if there is no process, and the exceptions of ``ProcessSpec.replace``; then the running
        process stays.
        """
        assert self._spec.replace is not None, f"{self.subject} cannot be replaced"
        await self.wait_alone()
        before = self._process
        if before is None:
            raise Unstartable(f"{self.subject} is not running")
        self._process = await self._spec.replace()
        self._predecessors.add(before)
        asyncio.ensure_future(before.wait()).add_done_callback(
            lambda _: self._predecessors.discard(before)
        )
        self._succeeded.set()
        self._emit(events.Started(self.subject, self._process.pid))

    async def wait_alone(self) -> None:
        """Waits until all processes that were replaced have ended."""
        for predecessor in tuple(self._predecessors):
            await predecessor.wait()

    async def stop(self, spent: float = 0.0) -> None:
        """Ends the process and its supervision, even if the caller is cancelled meanwhile.

        ``spent`` seconds of the grace period are over already; only the first call counts.
        """
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop(spent))
        await asyncio.shield(self._stopping)

    def _launch(self) -> None:
        if self._spec.launch is not None:
            self._process = self._spec.launch()
            self._emit(events.Started(self.subject, self._process.pid))

    async def _run(self) -> None:
        if self._spec.launch is None:
            await self._watch()
        while True:
            if self._process is None:
                if not self._spec.restarts:
                    output = self._spec.output()
                    self._fail(events.GaveUp(self.subject, self._ended_with, output))
                    return
                await self._relaunch(self._ended_with)
            assert self._process is not None
            status = await self._live(self._process)
            if status is None:
                continue
            await self._end_predecessors()  # they wait for the process that has just ended
            self._process, self._ended_with = None, status
            self._set_ready(False, str(status))
            self._problem = str(status)
            self._emit(events.Exited(self.subject, status, self._spec.output()))

    async def _live(self, process: Process) -> ExitStatus | None:
        """Watches the process until it ends. None if another process has replaced it."""
        self._succeeded.clear()
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._watch())
            ended = tasks.create_task(process.wait())
            succeeded = tasks.create_task(self._succeeded.wait())
            await asyncio.wait({ended, succeeded}, return_when=asyncio.FIRST_COMPLETED)
            status = None if self._process is not process else ended.result()
            for task in (watching, ended, succeeded):
                task.cancel()
        return status

    async def _end_predecessors(self) -> None:
        for process in tuple(self._predecessors):
            process.signal(signal.SIGKILL)
            await process.wait()
            self._predecessors.discard(process)

    async def _relaunch(self, status: ExitStatus) -> None:
        while self._process is None:
            restart = self._history.ended(_now(), self._chance())
            if restart.loop_begins:
                output = self._spec.output()
                self._fail(events.CrashLooping(self.subject, restart.attempt, status, output))
            self._emit(events.Restarting(self.subject, restart.delay, restart.attempt))
            await asyncio.sleep(restart.delay)
            try:
                self._launch()
                self.restarts += 1
            except Exception as error:
                self._problem = str(error)
                self._emit(events.RestartFailed(self.subject, self._problem))

    async def _watch(self) -> None:
        readiness = Readiness(self._spec.readiness, self.ready)
        if not self.ready:  # another process was ready before it
            await asyncio.sleep(self._spec.readiness.initial_delay)
        while True:
            asked = _now()
            self._problem = await self._spec.probe()
            counts = self._spec.counts(self._problem)
            if counts and readiness.observe(not self._problem):
                self._set_ready(readiness.ready, self._problem)
            # Periods are measured from probe to probe, as by a kubelet.
            await until(readiness.next(asked))

    def _set_ready(self, ready: bool, reason: str, *, asked: bool = False) -> None:
        if ready == self.ready:
            return
        self.ready = ready
        if ready:
            self._history.became_ready(_now())
            self._failure = ""
            self._settled.set()
            self._emit(events.Ready(self.subject))
        else:
            self._history.became_unready(_now())
            self._emit(events.Unready(self.subject, reason, asked))

    async def _await_late(self) -> None:
        seconds = self._spec.start_timeout
        try:
            async with asyncio.timeout(seconds):
                await self._settled.wait()
        except TimeoutError:
            output = self._spec.output()
            self._fail(events.Late(self.subject, seconds, self._problem, output))

    def _fail(self, event: events.Event) -> None:
        """Emits the event, and ends all waiting for readiness."""
        self._failure = events.report(event)
        self._settled.set()
        self._emit(event)

    async def _stop(self, spent: float) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._set_ready(False, "it is being stopped", asked=True)
        status = None
        if self._process:
            left = max(0.0, self._spec.grace() - spent)
            status = await self._spec.retire(self._process, left)
        await self._end_predecessors()
        self._process = None
        self._fail(events.Stopped(self.subject, status))


def _now() -> float:
    return asyncio.get_running_loop().time()


def expose(task: asyncio.Task[None]) -> None:
    """Reports the exception of a task that nobody awaits, which is a bug of laneway."""
    if not task.cancelled() and (error := task.exception()):
        context = {
            "message": "a process is no longer supervised",
            "exception": error,
            "task": task,
        }
        task.get_loop().call_exception_handler(context)
