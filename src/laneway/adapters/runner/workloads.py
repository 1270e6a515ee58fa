"""How one workload runs: the check of its command, its environment, its probe.

Errors that can be found before a process is started are raised here. The supervisor reports later
ones: the process ends, or does not respond.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sysconfig
from collections.abc import Collection, Mapping
from pathlib import Path

from laneway.adapters.runner import env_files, environments, probes
from laneway.adapters.runner.connections import Connections
from laneway.adapters.runner.errors import Unstartable
from laneway.adapters.runner.logs import LogFile
from laneway.adapters.runner.orphan_reaper import OrphanReaper
from laneway.adapters.runner.processes import ExitStatus, Process
from laneway.adapters.runner.supervisors import ProcessSpec
from laneway.control import events
from laneway.model.placements import SidecarPlacement
from laneway.model.workloads import RestartPolicy, Workload

# As in Kubernetes, after a preStop hook that has used up the whole grace period.
_LAST_SECONDS = 2.0


def workload_spec(
    workload: Workload,
    placement: SidecarPlacement,
    reaper: OrphanReaper,
    log: LogFile,
    connections: Connections,
) -> ProcessSpec:
    """The spec for ``workload``. Raises ``Unstartable``."""
    period = workload.termination_grace_period
    ports = {placement.application[port.number].port for port in workload.ports}

    async def retire(process: Process, grace: float) -> ExitStatus:
        clock = asyncio.get_running_loop().time
        over = clock() + grace
        await _until_unused(process, ports, connections, grace)
        return await process.stop(max(over - clock(), min(_LAST_SECONDS, grace)))

    def launch() -> Process:
        # Looked up at each start, because files may change in between.
        known = environments.variables(workload, placement, env_file(workload))
        scripts = sysconfig.get_path("scripts")
        environment = environments.environment(known, os.environ, scripts)
        command = environments.command_line(workload, known)
        folder = _working_directory(workload)
        command[0] = _executable(workload, command[0], folder, environment)
        try:
            return Process.start_tree(
                command, environment=environment, working_directory=folder, reaper=reaper, log=log
            )
        except OSError as error:
            message = f"workload {workload.name} cannot be started: {error}"
            raise Unstartable(message) from error

    return ProcessSpec(
        subject=events.WorkloadInstance(workload.name),
        probe=_probe(workload, placement),
        readiness=workload.readiness,
        start_timeout=workload.start_timeout,
        launch=launch if workload.command else None,
        grace=lambda: period,
        retire=retire,
        restarts=workload.restart is RestartPolicy.ALWAYS,
        output=log.tail,
    )


def env_file(workload: Workload) -> Mapping[str, str]:
    """The variables in the workload's ``env_file``. Raises ``Unstartable``."""
    if workload.env_file is None:
        return {}
    path = Path(workload.folder or "", workload.env_file)
    try:
        return env_files.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        message = f"workload {workload.name}: envFile {path.absolute()}: {reason}"
        raise Unstartable(message) from error
    except env_files.InvalidLine as error:
        message = f"workload {workload.name}: envFile {path.absolute()}, {error}"
        raise Unstartable(message) from error


async def _until_unused(
    process: Process, ports: Collection[int], connections: Connections, seconds: float
) -> None:
    """Waits until no client is connected to the application, it has ended, or time is over."""
    ended = asyncio.ensure_future(process.wait())
    unused = asyncio.ensure_future(connections.closed(ports))
    try:
        await asyncio.wait({ended, unused}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended.cancel()
        unused.cancel()


def _probe(workload: Workload, placement: SidecarPlacement) -> probes.Probe:
    settings = workload.readiness
    port = workload.port(settings.port) if settings.port else next(iter(workload.ports), None)
    if port is None:
        wanted = f"port {settings.port!r}" if settings.port else "a port to ask"
        raise Unstartable(
            f"workload {workload.name}: readiness needs {wanted}, which it does not declare"
        )
    address = placement.application[port.number]
    if settings.path is None:
        return probes.tcp_probe(address, settings.timeout)
    return probes.http_probe(address, settings.path, settings.timeout)


def _working_directory(workload: Workload) -> Path | None:
    if workload.working_dir is None and workload.folder is None:
        return None
    folder = Path(workload.folder or "", workload.working_dir or "")
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise Unstartable(f"workload {workload.name}: working directory {folder.absolute()} {what}")
    return folder


def _executable(
    workload: Workload, name: str, folder: Path | None, environment: Mapping[str, str]
) -> str:
    if os.sep not in name:
        found = shutil.which(name, path=environment["PATH"])
        if found is None:
            raise Unstartable(
                f"workload {workload.name}: command {name!r} is not in PATH "
                f"({environment['PATH']}); install it, or give the path of its file"
            )
        return os.path.abspath(found)
    path = (folder or Path()).absolute() / name
    if not path.exists():
        raise Unstartable(f"workload {workload.name}: command {path} does not exist")
    if not path.is_file() or not os.access(path, os.X_OK):
        raise Unstartable(
            f"workload {workload.name}: command {path} is not an executable file; try: chmod +x"
        )
    return str(path)
