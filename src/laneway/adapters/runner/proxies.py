"""What it takes to run one Envoy: its files, its command line, its probe, and how it is drained."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

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
from laneway.adapters.runner.leash import Leash
from laneway.adapters.runner.logs import LogFile
from laneway.adapters.runner.private_files import write_file
from laneway.adapters.runner.processes import ExitStatus, Process
from laneway.adapters.runner.supervisors import Charge
from laneway.control import events
from laneway.model.workloads import ReadinessProbe

_DRAIN_POLL = 0.05
# A proxy that hangs is noticed in 0.7 + 2 x 0.75 s: new requests leave its lane within 3 s.
_READINESS = ReadinessProbe(period=0.75, timeout=0.7, failure_threshold=2)
_EPOCH = "server.hot_restart_epoch"
# Sockets and logs that Envoy makes are this user's alone from the first moment on.
_UMASK = 0o077


@dataclass(frozen=True, slots=True)
class Proxy:
    """One Envoy to run. ``name`` is its node id.

    ``bootstrap`` gives the configuration as JSON, for the admin socket that the runner chose and
    the number of the process, which grows; it is written anew at each start. A ``gateway`` is
    stopped before everything else.
    """

    name: str
    bootstrap: Callable[[Path, int], str]
    gateway: bool = False
    concurrency: int = 2
    log_level: str = "warning"
    start_timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds that an orderly stop may take.

    ``drain``: until a proxy's requests in flight have ended; an idle proxy does not wait.
    ``proxy`` and ``workload``: from SIGTERM to SIGKILL.
    """

    drain: float = 5.0
    proxy: float = 5.0
    workload: float = 10.0


def proxy_charge(
    proxy: Proxy,
    envoy: EnvoyBinary,
    admin: Admin,
    folder: Path,
    leash: Leash,
    log: LogFile,
    deadlines: Deadlines,
    random: Random,
) -> Charge:
    """The charge for ``proxy``, whose files go to ``folder``. ``random`` chooses its base id."""
    generations = itertools.count(1)

    def start(epoch: int) -> Process:
        try:
            if epoch == 0:
                remove_remains(folder)
                choose_base_id(folder, random)
            write_file(folder / "bootstrap.json", proxy.bootstrap(admin.path, next(generations)))
            return Process.start(
                _command(proxy, envoy, folder, deadlines, epoch),
                environment=os.environ,
                working_directory=folder,
                leash=leash,
                log=log,
                umask=_UMASK,
            )
        except OSError as error:
            raise Unstartable(f"proxy {proxy.name} cannot be started: {error}") from error

    async def succeed() -> Process:
        """Envoy's hot restart: the successor is handed the listening sockets, so that no connection
        is refused; then it has its parent drain, and end."""
        epoch = (await admin.stats(_EPOCH)).get(_EPOCH, 0) + 1
        successor = start(epoch)
        try:
            async with asyncio.timeout(proxy.start_timeout):
                await _until_serving(admin, epoch, successor)
        except BaseException:
            await successor.stop(deadlines.proxy)
            raise
        return successor

    async def retire(process: Process) -> ExitStatus:
        await _drain(admin, deadlines.drain)
        status = await process.stop(deadlines.proxy)
        remove_remains(folder)
        return status

    return Charge(
        subject=events.ProxyInstance(proxy.name),
        probe=probes.proxy_probe(admin, probe_socket(admin.path), _READINESS.timeout),
        readiness=_READINESS,
        start_timeout=proxy.start_timeout,
        launch=lambda: start(epoch=0),
        retire=retire,
        succeed=succeed,
        output=log.tail,
    )


def _command(
    proxy: Proxy, envoy: EnvoyBinary, folder: Path, deadlines: Deadlines, epoch: int
) -> list[str]:
    """``epoch`` counts hot restarts: from 1 on the process takes over from the one before."""
    drain = max(1, round(deadlines.drain))
    return [
        str(envoy.path),
        *("--config-path", str(folder / "bootstrap.json")),
        *("--service-node", proxy.name),
        *("--concurrency", str(proxy.concurrency)),
        *("--log-level", proxy.log_level),
        *hot_restart_arguments(folder, epoch),
        *("--drain-time-s", str(drain)),
        *("--drain-strategy", "immediate"),
        *("--parent-shutdown-time-s", str(drain + 1)),
    ]


async def _drain(admin: Admin, seconds: float) -> None:
    """Tell clients to leave and wait for the requests in flight. A dead Envoy is as good."""
    try:
        async with asyncio.timeout(seconds):
            await admin.fail_health_checks()
            await admin.drain_listeners()
            while await admin.requests_in_flight():  # noqa: ASYNC110 -- Envoy can only be asked
                await asyncio.sleep(_DRAIN_POLL)
    except (TimeoutError, AdminUnreachable):
        return


async def _until_serving(admin: Admin, epoch: int, successor: Process) -> None:
    """The admin socket is the successor's once it has taken over."""
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
