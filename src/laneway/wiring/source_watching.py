"""Restarts workloads when files that they watch change.

A new process becomes ready before the old one drains, as with ``laneway restart``, so no request is
lost. If it does not become ready, the old one continues until the files change again.
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from laneway.adapters.files.fingerprints import Fingerprints, changed_at
from laneway.adapters.files.source_trees import tree_fingerprints
from laneway.adapters.runner.errors import Closed, RunnerError
from laneway.control import events
from laneway.model.names import ObjectName
from laneway.model.workloads import Workload
from laneway.wiring.fleets import workload_of

#: Seconds without changes after which files count as saved.
QUIET = 0.3
#: Seconds between two scans, and how much longer than a scan the pause is: scans take at most a
#: tenth of one processor's time.
_INTERVAL, _SHARE = 0.2, 10
#: The same while no workload watches files. What changes meanwhile is seen by its age.
_IDLE = 1.0

Watched = Mapping[ObjectName, tuple[str, ...]]


@dataclass(slots=True)
class _Tree:
    """``taken`` are the files with which the process was started; ``seen`` are the current ones,
    unchanged since ``since``."""

    paths: tuple[str, ...]
    taken: Fingerprints
    seen: Fingerprints
    since: float


class SourceWatch:
    """Decides which workloads' files have changed and are saved. It uses neither disk nor clock."""

    def __init__(self) -> None:
        self._trees: dict[ObjectName, _Tree] = {}

    def step(
        self,
        watched: Watched,
        found: Mapping[ObjectName, Fingerprints],
        started: Mapping[ObjectName, int],
        now: float,
    ) -> dict[ObjectName, tuple[str, ...]]:
        """Returns the names of changed files by workload. ``now`` is in seconds; ``started`` has
        the start times of processes, in nanoseconds of the wall clock: for a workload that is new
        here, younger files have changed."""
        self._trees = {name: tree for name, tree in self._trees.items() if name in watched}
        changed = {}
        for name, paths in watched.items():
            seen, tree = found[name], self._trees.get(name)
            if tree is None or tree.paths != paths:
                taken = _known_at(started[name], seen) if name in started else seen
                self._trees[name] = _Tree(paths, taken, seen, now)
            elif seen != tree.seen:
                tree.seen, tree.since = seen, now
            elif seen != tree.taken and now - tree.since >= QUIET:
                changed[name] = _differing(tree.taken, seen)
                tree.taken = seen
        return changed


class SourceFollower:
    """``running`` are the workloads that have a process or are getting one; changes to the files of
    others have no effect. ``restart`` restarts a workload and raises ``RunnerError``."""

    def __init__(
        self,
        running: Callable[[], Mapping[ObjectName, Workload]],
        restart: Callable[[ObjectName], Awaitable[None]],
        emit: Callable[[events.Event], None],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._running = running
        self._restart = restart
        self._emit = emit
        self._clock = clock
        self._pause = pause
        self._restarts: dict[ObjectName, asyncio.Task[None]] = {}
        self._missing: set[tuple[ObjectName, str]] = set()
        self._started: dict[ObjectName, int] = {}

    def hear(self, event: events.Event) -> None:
        """Pass every event of the mesh."""
        if isinstance(event, events.Started) and isinstance(event.subject, events.WorkloadInstance):
            self._started[workload_of(event.subject.instance)] = time.time_ns()

    async def run(self) -> None:
        """Until cancelled."""
        watch = SourceWatch()
        try:
            while True:
                began = self._clock()
                watched = {name: paths_of(each) for name, each in self._running().items()}
                watched = {name: paths for name, paths in watched.items() if paths}
                found = await asyncio.to_thread(_look, watched) if watched else {}
                self._report_missing(watched, found)
                changed = watch.step(watched, found, self._started, self._clock())
                for name, paths in changed.items():
                    await self._take(name, paths)
                took = self._clock() - began
                await self._pause(max(_INTERVAL, took * _SHARE) if watched else _IDLE)
        finally:
            await self._cancel(*self._restarts)

    def _report_missing(self, watched: Watched, found: Mapping[ObjectName, Fingerprints]) -> None:
        missing = {
            (name, path)
            for name, paths in watched.items()
            for path in paths
            if found[name].get(path) == (errno.ENOENT,)
        }
        for name, path in sorted(missing - self._missing):
            self._emit(events.NothingToWatch(events.WorkloadInstance(name), path))
        self._missing = missing

    async def _take(self, name: ObjectName, paths: tuple[str, ...]) -> None:
        """A restart that is under way for older files is cancelled first."""
        await self._cancel(name)
        self._emit(events.SourcesChanged(events.WorkloadInstance(name), paths))
        self._restarts[name] = asyncio.create_task(self._start_anew(name))

    async def _start_anew(self, name: ObjectName) -> None:
        try:
            await self._restart(name)
        except (KeyError, Closed):
            return  # the workload, or the mesh, is gone
        except (RunnerError, OSError) as error:
            self._emit(events.NotReplaced(events.WorkloadInstance(name), str(error)))

    async def _cancel(self, *names: ObjectName) -> None:
        tasks = [self._restarts.pop(name) for name in names if name in self._restarts]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def paths_of(workload: Workload) -> tuple[str, ...]:
    """The watched paths, made absolute; none if laneway does not start the workload."""
    if not workload.command:
        return ()
    return tuple(str(Path(workload.folder or "", each).absolute()) for each in workload.watch)


def _look(watched: Watched) -> dict[ObjectName, Fingerprints]:
    """Scans each path once, even if several workloads watch it."""
    found = {paths: tree_fingerprints(paths) for paths in set(watched.values())}
    return {name: found[paths] for name, paths in watched.items()}


def _known_at(moment: int, seen: Fingerprints) -> Fingerprints:
    return {name: found for name, found in seen.items() if changed_at(found) <= moment}


def _differing(before: Fingerprints, after: Fingerprints) -> tuple[str, ...]:
    names = before.keys() | after.keys()
    return tuple(sorted(name for name in names if before.get(name) != after.get(name)))
