"""What a program has to know of running processes to go on with them.

A laneway that replaces itself (``wiring.handover``) writes these down, and ``Runner`` of the new
program goes on with what they name. All numbers of descriptors are of this process.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """``child`` is laneway's own child: the process ``pid``, or its shim. It started at ``started``
    (``children.start_time``). ``stdin`` and ``output`` are pipes; None for one that is closed."""

    pid: int
    child: int
    started: int
    stdin: int | None
    output: int | None


@dataclass(frozen=True, slots=True)
class SupervisorRecord:
    """``process`` is None for an application that is only probed, and after the end of a process.

    ``ends`` counts earlier ends in a row (``restart_policy.History``). ``ended_with`` is the exit
    code of the last process that ended.
    """

    process: ProcessRecord | None
    ready: bool
    restarts: int
    ends: int
    ended_with: int


@dataclass(frozen=True, slots=True)
class ProxyRecord:
    """``admin`` is the number of its admin socket, ``generation`` that of its last process, and
    ``memory`` the descriptor that its processes share."""

    name: str
    admin: int
    generation: int
    memory: int | None
    supervisor: SupervisorRecord


@dataclass(frozen=True, slots=True)
class WorkloadRecord:
    """``name`` is that of the instance."""

    name: str
    supervisor: SupervisorRecord


@dataclass(frozen=True, slots=True)
class ReaperRecord:
    """The shell of the orphan reaper, and the process groups that it kills."""

    pid: int
    stdin: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DirectoryRecord:
    """A run directory with the descriptor of its lock; ``own`` as in ``RunDirectory``."""

    path: str
    own: bool
    lock: int


@dataclass(frozen=True, slots=True)
class RunnerRecord:
    """``last_admin`` is the greatest number of an admin socket so far."""

    directory: DirectoryRecord
    logs: str
    reaper: ReaperRecord
    last_admin: int
    proxies: tuple[ProxyRecord, ...]
    workloads: tuple[WorkloadRecord, ...]


@dataclass(frozen=True, slots=True)
class PortRecord:
    """A port that was given to ``owner``. ``held`` is the socket that reserves it, if one does, and
    ``claim`` the one that tells others (``holders.claim``)."""

    number: int
    owner: str
    held: int | None
    claim: int
