"""What it takes to run one Envoy: its files, its command line, its probe, and how it is drained."""

from __future__ import annotations

import asyncio
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


@dataclass(frozen=True, slots=True)
class Proxy:
    """One Envoy to run. ``name`` is its node id.

    ``bootstrap`` gives the configuration as JSON, for the admin socket that the runner chose; it is
    written anew at each start. A ``gateway`` is stopped before everything else.
    """

    name: str
    bootstrap: Callable[[Path], str]
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
) -> Charge:
    """The charge for ``proxy``, whose files go to ``folder``."""

    def launch() -> Process:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_shared_memory(folder)
            _write(folder / "bootstrap.json", proxy.bootstrap(admin.path))
            return Process.start(
                _command(proxy, envoy, folder, deadlines),
                environment=os.environ,
                working_directory=folder,
                leash=leash,
                log=log,
            )
        except OSError as error:
            raise Unstartable(f"proxy {proxy.name} cannot be started: {error}") from error

    async def retire(process: Process) -> ExitStatus:
        await _drain(admin, deadlines.drain)
        status = await process.stop(deadlines.proxy)
        _remove_shared_memory(folder)
        return status

    return Charge(
        subject=events.Subject(proxy.name, events.Kind.PROXY),
        probe=probes.live_probe(admin),
        readiness=ReadinessProbe(),
        start_timeout=proxy.start_timeout,
        launch=launch,
        retire=retire,
        output=log.tail,
    )


def _command(proxy: Proxy, envoy: EnvoyBinary, folder: Path, deadlines: Deadlines) -> list[str]:
    drain = max(1, round(deadlines.drain))
    return [
        str(envoy.path),
        *("--config-path", str(folder / "bootstrap.json")),
        *("--service-node", proxy.name),
        *("--concurrency", str(proxy.concurrency)),
        *("--log-level", proxy.log_level),
        "--use-dynamic-base-id",
        *("--base-id-path", str(folder / "base-id")),
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


def _remove_shared_memory(folder: Path) -> None:
    """What Envoy's hot restart leaves in /dev/shm at every start, however it ends.

    Its name is the base id that Envoy chose, and the restart epoch, which is 0.
    """
    base_id = folder / "base-id"
    if base_id.exists():
        name = f"envoy_shared_memory_{base_id.read_text().strip()}0"
        Path("/dev/shm", name).unlink(missing_ok=True)
        base_id.unlink()


def _write(path: Path, text: str) -> None:
    """Readable by this user alone: configuration may hold keys."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
