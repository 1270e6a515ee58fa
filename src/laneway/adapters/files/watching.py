"""Watches files, and reads them when they have stopped changing.

``Watch`` proceeds in steps, without a clock or file access of its own. ``watch`` runs the steps in
a thread, so that reading never blocks the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from laneway.adapters.files.debouncing import (
    PATIENCE,
    QUIET,
    Contents,
    emptied,
    required_quiet,
)
from laneway.adapters.files.fingerprints import Fingerprints, Writers, fingerprints, written
from laneway.adapters.files.reading import Reading, read
from laneway.adapters.files.sources import STDIN, is_pipe
from laneway.model.checks import check as check_mesh
from laneway.model.findings import InvalidInput
from laneway.schema import Check

#: Seconds between two looks at the disk. Where a look takes long, because the folders are large,
#: there are fewer: they take a tenth of one processor's time at most.
INTERVAL = 0.1
_SHARE = 10


class Unwatchable(ValueError):
    """Standard input and pipes cannot be read a second time."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The files are quiet and valid; they may declare what they declared before."""

    reading: Reading


@dataclass(frozen=True, slots=True)
class Invalid:
    """The files are quiet and have errors."""

    error: InvalidInput


@dataclass(frozen=True, slots=True)
class Waiting:
    """The files differ from what was taken, and are not taken as they are, for this reason."""

    reason: str


Event = Settled | Invalid | Waiting


class Disk(Protocol):
    """What a watch looks at. ``read`` raises ``InvalidInput``."""

    def fingerprints(self) -> Fingerprints: ...

    def written(self, names: Sequence[str]) -> Mapping[str, Writers]: ...

    def read(self) -> Reading: ...


@dataclass(frozen=True, slots=True)
class FilesOnDisk:
    paths: Sequence[str]
    check: Check = check_mesh

    def fingerprints(self) -> Fingerprints:
        return fingerprints(self.paths)

    def written(self, names: Sequence[str]) -> Mapping[str, Writers]:
        return written(names)

    def read(self) -> Reading:
        return read(self.paths, pipes=False, check=self.check)


class Watch:
    """Tells once of each state in which the files come to rest.

    ``taken`` is what the files held when they were read before. ``clock`` tells seconds and never
    goes back. With ``prune``, a file that is emptied takes back what it declared; without it, only
    its deletion does.
    """

    def __init__(
        self,
        disk: Disk,
        taken: Contents,
        clock: Callable[[], float] = time.monotonic,
        *,
        prune: bool = False,
    ) -> None:
        self._disk = disk
        self._clock = clock
        self._taken = taken
        self._prune = prune
        self._seen: Fingerprints | None = None
        self._told: Fingerprints | None = None
        self._since = 0.0
        self._in_steps = False
        self._found: Reading | InvalidInput | None = None
        self._impatient = False

    def step(self) -> Event | None:
        """Looks once, and reads if what it sees has been there for long enough.

        A look may take long on a busy machine: a quiet lasts from the end of the first look that
        saw this state to the beginning of the last.
        """
        now = self._clock()
        seen = self._disk.fingerprints()
        if seen != self._seen:
            self._in_steps = self._seen is not None and self._seen != self._told
            self._seen, self._since = seen, self._clock()
            self._found, self._impatient = None, False
        quiet = now - self._since
        if seen == self._told or quiet < QUIET:
            return None
        written = self._disk.written(list(seen))
        if busy := [name for name, who in written.items() if who is Writers.SOME]:
            return self._still_written(busy, quiet)
        if self._found is None and not self._read(seen):
            return None
        return self._decide(quiet, writers_known=not written)

    def _read(self, seen: Fingerprints) -> bool:
        """Whether the files stayed as they were while they were read."""
        found: Reading | InvalidInput
        try:
            found = self._disk.read()
        except InvalidInput as invalid:
            found = invalid
        if self._disk.fingerprints() != seen:
            return False
        self._found = found
        return True

    def _decide(self, quiet: float, *, writers_known: bool) -> Event | None:
        found = self._found
        contents = found.contents if isinstance(found, Reading) else None
        required = required_quiet(
            self._taken, contents, in_steps=self._in_steps, writers_known=writers_known
        )
        if quiet < required:
            return None
        self._told = self._seen
        if isinstance(found, InvalidInput):
            return Invalid(found)
        assert isinstance(found, Reading)
        empty = [] if self._prune else emptied(self._taken, found.contents)
        if empty:
            fix = "delete it, or start with --prune, to take back what it declared"
            return Waiting(f"{', '.join(empty)} declares nothing any more; {fix}")
        self._taken = found.contents
        return Settled(found)

    def _still_written(self, names: Sequence[str], quiet: float) -> Event | None:
        """A writer may rest for longer than any quiet."""
        if quiet < PATIENCE or self._impatient:
            return None
        self._impatient = True
        return Waiting(f"another process still has {', '.join(names)} open for writing")


def require_watchable(paths: Sequence[str]) -> None:
    """Raises ``Unwatchable``."""
    for path in paths:
        if path == STDIN:
            raise Unwatchable("standard input cannot be watched; name files or folders")
        if is_pipe(path):
            raise Unwatchable(f"{path} is a pipe, which cannot be watched; name files or folders")


async def watch(
    paths: Sequence[str],
    taken: Contents,
    *,
    prune: bool = False,
    check: Check = check_mesh,
) -> AsyncGenerator[Event, None]:
    """Endless. The first event is of what the files hold when the watch begins."""
    watching = Watch(FilesOnDisk(paths, check), taken, prune=prune)
    while True:
        began = time.monotonic()
        event = await asyncio.to_thread(watching.step)
        if event is not None:
            yield event
        else:
            await asyncio.sleep(max(INTERVAL, (time.monotonic() - began) * _SHARE))
