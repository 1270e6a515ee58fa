"""How one Envoy runs: its files, its command line, its probe, and how it is drained."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from laneway.adapters.host.private_files import write_file
from laneway.adapters.runner import probes
from laneway.adapters.runner.admin import Admin, AdminUnreachable
from laneway.adapters.runner.base_ids import (
    choose_base_id,
    hot_restart_arguments,
    remove_remains,
)
from laneway.adapters.runner.binary import EnvoyBinary
from laneway.adapters.runner.bootstraps import probe_socket
from laneway.adapters.runner.errors import Unstartable
from laneway.adapters.runner.hot_restart_memory import SharedMemory
from laneway.adapters.runner.logs import LogFile
from laneway.adapters.runner.orphan_reaper import OrphanReaper
from laneway.adapters.runner.processes import ExitStatus, Process
from laneway.adapters.runner.starvation import Starvation
from laneway.adapters.runner.supervisors import ProcessSpec
from laneway.control import events
from laneway.model.workloads import ReadinessProbe

_DRAIN_POLL = 0.05
# A proxy that hangs is noticed within 0.7 + 2 x 0.75 s, so requests leave its lane within 3 s.
_READINESS = ReadinessProbe(period=0.75, timeout=0.7, failure_threshold=2)
_HUNG = probes.hung(_READINESS.timeout)
# Probes fall together. Seconds in which those that time out together have done so.
_ALL_RESULTS = 0.03
# Seconds after which Envoy closes the remaining connections of a removed listener (its default).
# Most connections end earlier, because responses tell clients to close them.
_LISTENER_DRAIN = 600
# Time to send responses of applications that ended at the end of the grace period.
_LAST_SECONDS = 1.0
#: Seconds from SIGTERM to SIGKILL, for a proxy that is drained.
KILL_AFTER = 5.0
_EPOCH = "server.hot_restart_epoch"
# How far an access log lags behind; Envoy's default is ten seconds.
_FLUSH_MILLISECONDS = 200
# Sockets and logs of Envoy are accessible to this user only, from the first moment on.
_UMASK = 0o077


@dataclass(frozen=True, slots=True)
class Proxy:
    """One Envoy to run. ``name`` is its node id.

    ``bootstrap`` returns the configuration as JSON, for the path of the admin socket and the
    generation of the process. It is called at each start. A ``gateway`` is stopped before
    everything else. ``grace`` returns the seconds that requests in flight may take at a stop and at
    a hot restart. An idle proxy does not wait.
    """

    name: str
    bootstrap: Callable[[Path, int], str]
    gateway: bool = False
    concurrency: int = 2
    log_level: str = "warning"
    start_timeout: float = 30.0
    grace: Callable[[], float] = lambda: 30.0


@dataclass(slots=True)
class ProxyState:
    """What all processes of one proxy share. ``number`` is that of its admin socket.

    ``generation`` counts the processes.
    """

    number: int
    admin: Admin
    memory: SharedMemory
    generation: int = 0


def proxy_spec(
    proxy: Proxy,
    envoy: EnvoyBinary,
    state: ProxyState,
    folder: Path,
    reaper: OrphanReaper,
    log: LogFile,
    kill_after: float,
    random: Random,
    starvation: Starvation,
) -> ProcessSpec:
    """The spec for ``proxy``, whose files go to ``folder``. ``state`` is its own.

    ``kill_after`` are the seconds from SIGTERM to SIGKILL after draining. ``random`` chooses the
    base id.
    """
    admin, memory = state.admin, state.memory

    answered = probes.proxy_probe(admin, probe_socket(admin.path), _READINESS.timeout)

    async def probe() -> str:
        problem = await answered()
        if not proxy.gateway:
            starvation.observe(proxy.name, problem == _HUNG)
        if problem == _HUNG:
            await asyncio.sleep(_ALL_RESULTS)
        return problem

    def counts(problem: str) -> bool:
        return proxy.gateway or problem != _HUNG or not starvation.is_likely

    def start(epoch: int) -> Process:
        try:
            if epoch == 0:
                remove_remains(folder)
                choose_base_id(folder, random)
                memory.renew()
            state.generation += 1
            write_file(folder / "bootstrap.json", proxy.bootstrap(admin.path, state.generation))
            return Process.start(
                _command(proxy, envoy, folder, epoch),
                environment={**os.environ, **memory.environment},
                inherited=memory.descriptors,
                working_directory=folder,
                reaper=reaper,
                log=log,
                umask=_UMASK,
            )
        except OSError as error:
            raise Unstartable(f"proxy {proxy.name} cannot be started: {error}") from error

    async def replace() -> Process:
        """Envoy's hot restart: the successor gets the listening sockets, so no connection is
        refused. Then it makes its parent drain and end."""
        epoch = (await admin.stats(_EPOCH)).get(_EPOCH, 0) + 1
        successor = start(epoch)
        try:
            async with asyncio.timeout(proxy.start_timeout):
                await _until_serving(admin, epoch, successor)
        except BaseException:
            await successor.stop(kill_after)
            raise
        return successor

    async def retire(process: Process, grace: float) -> ExitStatus:
        await _drain(admin, max(grace, _LAST_SECONDS))
        status = await process.stop(kill_after)
        remove_remains(folder)
        return status

    return ProcessSpec(
        subject=events.ProxyInstance(proxy.name),
        probe=probe,
        readiness=_READINESS,
        counts=counts,
        start_timeout=proxy.start_timeout,
        launch=lambda: start(epoch=0),
        grace=proxy.grace,
        retire=retire,
        replace=replace,
        output=log.tail,
    )


def _command(proxy: Proxy, envoy: EnvoyBinary, folder: Path, epoch: int) -> list[str]:
    """``epoch`` counts hot restarts. From 1 on, the process takes over from the one before."""
    grace = math.ceil(proxy.grace())
    return [
        str(envoy.path),
        *("--config-path", str(folder / "bootstrap.json")),
        *("--service-node", proxy.name),
        *("--concurrency", str(proxy.concurrency)),
        *("--log-level", proxy.log_level),
        *hot_restart_arguments(folder, epoch),
        *("--drain-time-s", str(max(_LISTENER_DRAIN, grace))),
        *("--drain-strategy", "immediate"),
        *("--file-flush-interval-msec", str(_FLUSH_MILLISECONDS)),
        *("--parent-shutdown-time-s", str(grace + 1)),
    ]


async def _drain(admin: Admin, seconds: float) -> None:
    """Accepts no new connections, makes clients close theirs, and waits for requests in flight.

    Returns at once if Envoy is dead. Requests in the parent of a hot restart are counted from the
    second query on, because Envoy queries its parent only then.
    """
    try:
        async with asyncio.timeout(seconds):
            await admin.fail_health_checks()
            await admin.stop_listening()
            quiet = 0
            while quiet < 2:
                quiet = 0 if await admin.requests_in_flight() else quiet + 1
                await asyncio.sleep(_DRAIN_POLL)
    except (TimeoutError, AdminUnreachable):
        return


async def _until_serving(admin: Admin, epoch: int, successor: Process) -> None:
    """Waits until the successor has taken over the admin socket."""
    ended = asyncio.ensure_future(successor.wait())
    try:
        while not ended.done():
            with contextlib.suppress(AdminUnreachable):
                serving = (await admin.stats(_EPOCH)).get(_EPOCH) == epoch
                if serving and await admin.state() == "LIVE":
                    return
            await asyncio.wait({ended}, timeout=_DRAIN_POLL)
    finally:
        ended.cancel()
    raise Unstartable(f"the hot restart failed: the new Envoy {ended.result()}")
