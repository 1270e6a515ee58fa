"""Events about the processes of a mesh, with typed subjects.

The process runner of this machine emits them. ``Ready`` and ``Unready`` go to the control plane;
users see all of them. ``str`` of an event is a sentence without its subject ("is ready"),
``report`` the whole text.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, replace

from laneway.model.findings import ObjectKey
from laneway.model.names import ObjectName


@dataclass(frozen=True, slots=True, order=True)
class ProxyInstance:
    """An Envoy, by its node id."""

    node: str

    @property
    def name(self) -> str:
        return self.node

    def __str__(self) -> str:
        return f"proxy {self.name}"


@dataclass(frozen=True, slots=True, order=True)
class WorkloadInstance:
    """A process of a workload. While a workload is replaced, there are two with different names:
    the workload's own, and one with a number (``cart~2``)."""

    instance: ObjectName

    @property
    def workload(self) -> ObjectName:
        return replace(self.instance, name=self.instance.name.partition("~")[0])

    @property
    def name(self) -> str:
        return str(self.instance)

    def __str__(self) -> str:
        return f"workload {self.name}"


@dataclass(frozen=True, slots=True, order=True)
class EnvoyProgram:
    """The program that all proxies run."""

    path: str

    @property
    def name(self) -> str:
        return self.path

    def __str__(self) -> str:
        return f"Envoy {self.path}"


Subject = ProxyInstance | WorkloadInstance | EnvoyProgram


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """How a process ended. ``code`` is its exit code, or the negative number of a signal."""

    code: int

    def __str__(self) -> str:
        if self.code >= 0:
            return f"exited with {self.code}"
        try:
            return f"killed by {signal.Signals(-self.code).name}"
        except ValueError:
            return f"killed by signal {-self.code}"


@dataclass(frozen=True, slots=True)
class Event:
    subject: Subject


def report(event: Event) -> str:
    """The whole sentence, followed by the last output if the event has one."""
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
    """It was ready and is not any more. ``asked``: because it is being stopped on request."""

    reason: str
    asked: bool = False

    def __str__(self) -> str:
        return f"is not ready any more: {self.reason}"


@dataclass(frozen=True, slots=True)
class Late(Event):
    """It did not become ready in time. It still runs, and is still probed."""

    seconds: float
    reason: str
    output: tuple[str, ...]

    def __str__(self) -> str:
        return f"did not become ready in {self.seconds:g} s: {self.reason}"


@dataclass(frozen=True, slots=True)
class Exited(Event):
    """Its process ended by itself. ``output`` is the last output."""

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
    """It ends again and again. Emitted once; the restarts go on."""

    ends: int
    status: ExitStatus
    output: tuple[str, ...]

    def __str__(self) -> str:
        return f"ended {self.ends} times in a row, last: {self.status}"


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """A proxy warns of what a client does."""

    text: str

    def __str__(self) -> str:
        return f"warns: {self.text}"


@dataclass(frozen=True, slots=True)
class SourcesChanged(Event):
    """Files that its workload watches are others now: a new process is started."""

    paths: tuple[str, ...]

    def __str__(self) -> str:
        more = f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else ""
        return f"is started anew: {self.paths[0]}{more} changed"


@dataclass(frozen=True, slots=True)
class NothingToWatch(Event):
    """A path that its workload watches does not exist. Once it does, it is watched."""

    path: str

    def __str__(self) -> str:
        return f"watches {self.path}, which does not exist"


@dataclass(frozen=True, slots=True)
class NotReplaced(Event):
    """Its new process did not become ready: the one before serves on, if there was one."""

    reason: str

    def __str__(self) -> str:
        return f"stays as it was, since the new process is not ready: {self.reason}"


@dataclass(frozen=True, slots=True)
class RestartFailed(Event):
    """The process could not be started again. This counts as another exit."""

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
    """It was stopped on request. ``status`` is None if there was no process at that moment."""

    status: ExitStatus | None

    def __str__(self) -> str:
        return f"stopped ({self.status})" if self.status else "stopped"


@dataclass(frozen=True, slots=True)
class Rejected(Event):
    """A proxy rejected a resource and keeps the version before. ``error`` is Envoy's message.

    ``objects`` are the declared objects that it is about, as far as that can be told.
    """

    type_url: str
    resource: str
    error: str
    objects: tuple[ObjectKey, ...] = ()

    def __str__(self) -> str:
        about = f" (of {', '.join(map(str, self.objects))})" if self.objects else ""
        kind = self.type_url.rpartition(".")[2]
        return f"rejected {kind} {self.resource}{about}: {self.error}"


@dataclass(frozen=True, slots=True)
class NativeModuleRefused(Event):
    """The proxy cannot load the native lane filter, which runs as WebAssembly instead."""

    reason: str

    def __str__(self) -> str:
        return (
            "does not take the native lane filter; it runs as WebAssembly, which costs more CPU "
            f"where lanes are known by trace ids or baggage: {self.reason}"
        )


@dataclass(frozen=True, slots=True)
class LogLost(Event):
    """Its output cannot be written to the log. It still runs, and its output is dropped."""

    reason: str

    def __str__(self) -> str:
        return f"output is lost: {self.reason}"
