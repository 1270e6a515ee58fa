"""What it takes to run one Envoy: its files, its command line, its probe, and how it is drained."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from laneway.adapters.runner import events, probes
from laneway.adapters.runner.admin import Admin, AdminUnreachable
from laneway.adapters.runner.binary import EnvoyBinary
from laneway.adapters.runner.errors import Unstartable
from laneway.adapters.runner.leash import Leash
from laneway.adapters.runner.logs import LogFile
from laneway.adapters.runner.processes import ExitStatus, Process
from laneway.adapters.runner.supervisors import Charge
from laneway.model.workloads import ReadinessProbe

_DRAIN_POLL = 0.05
# Seconds after which Envoy closes the connections that are left of a removed listener; its own
# default. Idle ones end earlier: a response tells the client to close.
_LISTENER_DRAIN = 600
# A response whose application ended with its grace period is still sent.
_LAST_SECONDS = 1.0
#: From SIGTERM to SIGKILL, of a proxy that is drained.
KILL_AFTER = 5.0
_EPOCH = "server.hot_restart_epoch"


@dataclass(frozen=True, slots=True)
class Proxy:
    """One Envoy to run. ``name`` is its node id.

    ``bootstrap`` gives the configuration as JSON, for the admin socket that the runner chose and
    the number of the process, which grows; it is written anew at each start. A ``gateway`` is
    stopped before everything else. ``grace`` is asked at a stop and at a hot restart: the seconds
    that requests in flight may take. An idle proxy does not wait.
    """

    name: str
    bootstrap: Callable[[Path, int], str]
    gateway: bool = False
    concurrency: int = 2
    log_level: str = "warning"
    start_timeout: float = 30.0
    grace: Callable[[], float] = lambda: 30.0


def proxy_charge(
    proxy: Proxy,
    envoy: EnvoyBinary,
    admin: Admin,
    folder: Path,
    leash: Leash,
    log: LogFile,
    kill_after: float,
) -> Charge:
    """The charge for ``proxy``, whose files go to ``folder``.

    ``kill_after`` seconds lie between SIGTERM and SIGKILL, once it is drained.
    """
    generations = itertools.count(1)

    def launch() -> Process:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_shared_memory(folder)
            _write(folder / "bootstrap.json", proxy.bootstrap(admin.path, next(generations)))
            return Process.start(
                _command(proxy, envoy, folder),
                environment=os.environ,
                working_directory=folder,
                leash=leash,
                log=log,
            )
        except OSError as error:
            raise Unstartable(f"proxy {proxy.name} cannot be started: {error}") from error

    async def succeed() -> Process:
        """Envoy's hot restart: the successor is handed the listening sockets, so that no connection
        is refused; then it has its parent drain, and end."""
        epoch = (await admin.stats(_EPOCH)).get(_EPOCH, 0) + 1
        _write(folder / "bootstrap.json", proxy.bootstrap(admin.path, next(generations)))
        successor = Process.start(
            _command(proxy, envoy, folder, epoch),
            environment=os.environ,
            working_directory=folder,
            leash=leash,
            log=log,
        )
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
        _remove_shared_memory(folder)
        return status

    return Charge(
        subject=events.Subject(proxy.name, events.Kind.PROXY),
        probe=probes.live_probe(admin),
        readiness=ReadinessProbe(),
        start_timeout=proxy.start_timeout,
        launch=launch,
        grace=proxy.grace,
        retire=retire,
        succeed=succeed,
        output=log.tail,
    )


def _command(proxy: Proxy, envoy: EnvoyBinary, folder: Path, epoch: int = 0) -> list[str]:
    """``epoch`` counts hot restarts: from 1 on the process takes over from the one before."""
    grace = math.ceil(proxy.grace())
    base_id = ["--use-dynamic-base-id", "--base-id-path", str(folder / "base-id")]
    if epoch:
        base_id = ["--base-id", _base_id(folder), "--restart-epoch", str(epoch)]
    return [
        str(envoy.path),
        *("--config-path", str(folder / "bootstrap.json")),
        *("--service-node", proxy.name),
        *("--concurrency", str(proxy.concurrency)),
        *("--log-level", proxy.log_level),
        *base_id,
        *("--drain-time-s", str(max(_LISTENER_DRAIN, grace))),
        *("--drain-strategy", "immediate"),
        *("--parent-shutdown-time-s", str(grace + 1)),
    ]


async def _drain(admin: Admin, seconds: float) -> None:
    """Take no new connections, tell clients to leave, and wait for the requests in flight.

    A dead Envoy is as good. Requests in the parent of a hot restart count from the second answer
    on: Envoy asks its parent when it is asked.
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


def _base_id(folder: Path) -> str:
    return (folder / "base-id").read_text().strip()


def _remove_shared_memory(folder: Path) -> None:
    """What Envoy leaves in /dev/shm when it has ended, however it did.

    Its name is ten times the base id that Envoy chose; hot restarts share it.
    """
    base_id = folder / "base-id"
    if base_id.exists():
        name = f"envoy_shared_memory_{_base_id(folder)}0"
        Path("/dev/shm", name).unlink(missing_ok=True)
        base_id.unlink()


def _write(path: Path, text: str) -> None:
    """Readable by this user alone: configuration may hold keys."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
