"""What the runner tells while it runs: one small record for each thing that happened.

``wiring`` feeds ``Ready`` and ``Unready`` to the control plane; faces print them all. ``str`` of a
record is a sentence without its subject ("is ready"), ``report`` the whole.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from laneway.adapters.runner.processes import ExitStatus


class Kind(enum.Enum):
    PROXY = "proxy"
    WORKLOAD = "workload"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """Whom it is about. ``name`` is a workload's ``namespace/name`` or a proxy's node id."""

    name: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name}"


@dataclass(frozen=True, slots=True)
class Event:
    subject: Subject


def report(event: Event) -> str:
    """The whole sentence, and below it the last output where the event has one."""
    lines = [f"{event.subject} {event}"]
    if output := getattr(event, "output", ()):
        lines += ["last output:", *(f"  {line}" for line in output)]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Started(Event):
    pid: int

    def __str__(self) -> str:
        return f"started, process {self.pid}"


@dataclass(frozen=True, slots=True)
class Ready(Event):
    def __str__(self) -> str:
        return "is ready"


@dataclass(frozen=True, slots=True)
class Unready(Event):
    """It was ready and is not any more. ``asked``: because it is being stopped."""

    reason: str
    asked: bool = False

    def __str__(self) -> str:
        return f"is not ready any more: {self.reason}"


@dataclass(frozen=True, slots=True)
class Late(Event):
    """It did not become ready in its time. It goes on running, and being asked."""

    seconds: float
    reason: str
    output: tuple[str, ...]

    def __str__(self) -> str:
        return f"did not become ready in {self.seconds:g} s: {self.reason}"


@dataclass(frozen=True, slots=True)
class Exited(Event):
    """Its process ended without being asked to. ``output`` is the last that it wrote."""

    status: ExitStatus
    output: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.status}"


@dataclass(frozen=True, slots=True)
class Restarting(Event):
    delay: float
    attempt: int

    def __str__(self) -> str:
        return f"starts again in {self.delay:.1f} s (attempt {self.attempt})"


@dataclass(frozen=True, slots=True)
class CrashLooping(Event):
    """It ends again and again. Said once; the restarts go on."""

    ends: int
    status: ExitStatus
    output: tuple[str, ...]

    def __str__(self) -> str:
        return f"ended {self.ends} times in a row, last: {self.status}"


@dataclass(frozen=True, slots=True)
class RestartFailed(Event):
    """The process could not even be started again; counts as one more end."""

    reason: str

    def __str__(self) -> str:
        return f"could not be started again: {self.reason}"


@dataclass(frozen=True, slots=True)
class GaveUp(Event):
    """It ended and its restart policy is Never."""

    status: ExitStatus
    output: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.status} and is not started again (restart: Never)"


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """As asked. ``status`` is None where there was no process at that moment."""

    status: ExitStatus | None

    def __str__(self) -> str:
        return f"stopped ({self.status})" if self.status else "stopped"


@dataclass(frozen=True, slots=True)
class LogLost(Event):
    """Its output cannot be written down; it runs on, and what it writes is dropped."""

    reason: str

    def __str__(self) -> str:
        return f"output is lost: {self.reason}"
