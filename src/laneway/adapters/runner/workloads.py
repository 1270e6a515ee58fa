"""What it takes to run one workload: its command checked, its environment, its probe.

Whatever can be known to be wrong before a process is started is refused here, in words; what only
shows later (it ends, it never answers) is the supervisor's to tell.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from laneway.adapters.runner import environments, probes
from laneway.adapters.runner.errors import Unstartable
from laneway.adapters.runner.leash import Leash
from laneway.adapters.runner.logs import LogFile
from laneway.adapters.runner.processes import ExitStatus, Process
from laneway.adapters.runner.supervisors import Charge
from laneway.control import events
from laneway.model.placements import SidecarPlacement
from laneway.model.workloads import RestartPolicy, Workload


def workload_charge(
    workload: Workload, placement: SidecarPlacement, leash: Leash, log: LogFile, grace: float
) -> Charge:
    """The charge for ``workload``. Raises ``Unstartable``."""

    async def retire(process: Process) -> ExitStatus:
        return await process.stop(grace)

    def launch() -> Process:
        # Looked up each time: what is on disk may change between two lives.
        known = environments.variables(workload, placement)
        scripts = sysconfig.get_path("scripts")
        environment = environments.environment(known, os.environ, scripts)
        command = [environments.expand(argument, known) for argument in workload.command]
        folder = _working_directory(workload)
        command[0] = _executable(workload, command[0], folder, environment)
        try:
            return Process.start_tree(
                command, environment=environment, working_directory=folder, leash=leash, log=log
            )
        except OSError as error:
            message = f"workload {workload.name} cannot be started: {error}"
            raise Unstartable(message) from error

    return Charge(
        subject=events.WorkloadInstance(workload.name),
        probe=_probe(workload, placement),
        readiness=workload.readiness,
        start_timeout=workload.start_timeout,
        launch=launch if workload.command else None,
        retire=retire,
        restarts=workload.restart is RestartPolicy.ALWAYS,
        output=log.tail,
    )


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
    if workload.working_dir is None:
        return None
    folder = Path(workload.working_dir)
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
