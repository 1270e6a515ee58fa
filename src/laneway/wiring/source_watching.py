"""Workloads are started anew when the files change that they watch.

A new process becomes ready before the old one drains, as by ``laneway restart``, so no request is
lost. Where it does not become ready, the old one serves on until the files change again.
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

#: Seconds without any change after which files are taken as saved.
QUIET = 0.3
#: Seconds between two looks, and how much longer than a look its pause is: a tenth of one
#: processor's time is used at most.
_INTERVAL, _SHARE = 0.2, 10
#: The same while no workload watches files. What changes meanwhile is seen by its age.
_IDLE = 1.0

Watched = Mapping[ObjectName, tuple[str, ...]]


@dataclass(slots=True)
class _Tree:
    """``taken`` is what the process was started with; ``seen`` was there ``since`` then."""

    paths: tuple[str, ...]
    taken: Fingerprints
    seen: Fingerprints
    since: float


class SourceWatch:
    """Tells which workloads' files have changed and come to rest. Without disk and clock."""

    def __init__(self) -> None:
        self._trees: dict[ObjectName, _Tree] = {}

    def step(
        self,
        watched: Watched,
        found: Mapping[ObjectName, Fingerprints],
        started: Mapping[ObjectName, int],
        now: float,
    ) -> dict[ObjectName, tuple[str, ...]]:
        """By workload, the names of files that changed. ``now`` is in seconds; ``started`` says
        when processes were started, in nanoseconds of the wall clock: of a workload that is new
        here, files that are younger have changed."""
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
    """``running`` are the workloads with a process, or one to come: of others, files may change as
    they like. ``restart`` starts a workload anew and raises ``RunnerError``."""

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
        """Of every event of the mesh."""
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
        """What is under way for older files is given up first."""
        await self._cancel(name)
        self._emit(events.SourcesChanged(events.WorkloadInstance(name), paths))
        self._restarts[name] = asyncio.create_task(self._start_anew(name))

    async def _start_anew(self, name: ObjectName) -> None:
        try:
            await self._restart(name)
        except (KeyError, Closed):
            return  # it, or the mesh, is gone
        except (RunnerError, OSError) as error:
            self._emit(events.NotReplaced(events.WorkloadInstance(name), str(error)))

    async def _cancel(self, *names: ObjectName) -> None:
        tasks = [self._restarts.pop(name) for name in names if name in self._restarts]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def paths_of(workload: Workload) -> tuple[str, ...]:
    """What it watches, as absolute paths; nothing where laneway does not start it."""
    if not workload.command:
        return ()
    return tuple(str(Path(workload.folder or "", each).absolute()) for each in workload.watch)


def _look(watched: Watched) -> dict[ObjectName, Fingerprints]:
    """Each path once, though several workloads watch it."""
    found = {paths: tree_fingerprints(paths) for paths in set(watched.values())}
    return {name: found[paths] for name, paths in watched.items()}


def _known_at(moment: int, seen: Fingerprints) -> Fingerprints:
    return {name: found for name, found in seen.items() if changed_at(found) <= moment}


def _differing(before: Fingerprints, after: Fingerprints) -> tuple[str, ...]:
    names = before.keys() | after.keys()
    return tuple(sorted(name for name in names if before.get(name) != after.get(name)))
