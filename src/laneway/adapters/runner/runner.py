"""The runner: starts, supervises and stops all processes of laneway on this machine.

``wiring`` reserves ports and starts the xDS server, then starts proxies and workloads here, and
passes ``Ready`` and ``Unready`` to the control plane. Leaving the ``async with`` block stops all
processes that were started. Gateways are first, so that no request enters while the others stop.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from random import Random
from typing import Self

from laneway.adapters.runner import environments, recorded_environments
from laneway.adapters.runner.admin import Admin
from laneway.adapters.runner.binary import EnvoyBinary
from laneway.adapters.runner.connections import Connections
from laneway.adapters.runner.directories import (
    check_log_directory,
    open_run_directory,
    socket_path,
    take_over_run_directory,
)
from laneway.adapters.runner.hot_restart_memory import SharedMemory
from laneway.adapters.runner.logs import LogFile
from laneway.adapters.runner.orphan_reaper import OrphanReaper
from laneway.adapters.runner.processes import Process
from laneway.adapters.runner.proxies import KILL_AFTER, Proxy, ProxyState, proxy_spec
from laneway.adapters.runner.proxy_warnings import Warnings
from laneway.adapters.runner.records import (
    ProxyRecord,
    RunnerRecord,
    SupervisorRecord,
    WorkloadRecord,
)
from laneway.adapters.runner.restart_policy import Backoff
from laneway.adapters.runner.starvation import Starvation
from laneway.adapters.runner.supervisors import Emit, ProcessSpec, Supervisor
from laneway.adapters.runner.workloads import workload_spec
from laneway.control import events
from laneway.model.names import ObjectName
from laneway.model.placements import SidecarPlacement
from laneway.model.workloads import Workload

_BACKOFF = Backoff()


class Runner:
    """Proxies and workloads by name. Use it as an async context manager, in one event loop.

    ``on_event`` is called in the loop's thread and must return quickly. Without ``run_dir``, a
    private directory is created, and removed at the end. Logs are in ``log_dir``, by default inside
    it. Raises ``RunDirectoryUnusable``.

    ``running`` is what the program before this one handed over. It has the directories. A proxy or
    workload that it names goes on, instead of being started, when it is to be started.
    """

    def __init__(
        self,
        envoy: EnvoyBinary,
        on_event: Emit,
        *,
        run_dir: Path | None = None,
        log_dir: Path | None = None,
        kill_after: float = KILL_AFTER,
        backoff: Backoff = _BACKOFF,
        random: Random | None = None,
        running: RunnerRecord | None = None,
    ) -> None:
        self._envoy = envoy
        self._on_event = on_event
        self._kill_after = kill_after
        self._backoff = backoff
        self._random = random or Random()
        if running is not None:
            self._directory = take_over_run_directory(running.directory)
            self.log_dir = Path(running.logs)
        else:
            if log_dir is not None:
                check_log_directory(log_dir)
            self._directory = open_run_directory(run_dir, os.environ)
            self.log_dir = (log_dir or self.run_dir / "logs").absolute()
            check_log_directory(self.log_dir)  # users are told of it before anything is logged
        self._reaper = OrphanReaper(
            self.run_dir,
            remove=self._directory.own,
            lock=self._directory.lock,
            running=running.reaper if running else None,
        )
        self._supervisors: dict[events.Subject, Supervisor] = {}
        self._logs: dict[events.Subject, LogFile] = {}
        self._proxies: dict[events.Subject, ProxyState] = {}
        self._gateways: set[events.Subject] = set()
        self._starvation = Starvation()
        self._connections = Connections()
        self._last_admin = running.last_admin if running else 0
        self._running_proxies = {each.name: each for each in running.proxies} if running else {}
        self._running_workloads = {each.name: each for each in running.workloads} if running else {}
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def run_dir(self) -> Path:
        """Private to this laneway. Its path is short enough for Unix sockets."""
        return self._directory.path

    async def start_proxy(self, proxy: Proxy) -> Supervisor:
        """Starts an Envoy. Use ``wait_ready`` of the result to wait until it serves.

        Its ports must be released or shared before. Raises ``ValueError`` if the name is in use.
        """
        subject = events.ProxyInstance(proxy.name)
        self._refuse_twice(subject)
        log = self._log(subject)
        record = self._running_proxies.pop(proxy.name, None)
        state = self._proxies[subject] = self._proxy_state(record)
        folder = self._proxy_folder(proxy.name)
        spec = proxy_spec(
            proxy,
            self._envoy,
            state,
            folder,
            self._reaper,
            log,
            self._kill_after,
            self._random,
            self._starvation,
        )
        supervisor = self._start(spec, record.supervisor if record else None)
        if proxy.gateway:
            self._gateways.add(subject)
        return supervisor

    async def start_workload(self, workload: Workload, placement: SidecarPlacement) -> Supervisor:
        """Starts a workload's command, or only probes the application at its address.

        Raises ``Unstartable``, or ``ValueError`` if the name is in use.
        """
        subject = events.WorkloadInstance(workload.name)
        self._refuse_twice(subject)
        log = self._log(subject)
        spec = workload_spec(workload, placement, self._reaper, log, self._connections)
        if record := self._running_workloads.pop(str(workload.name), None):
            return self._start(spec, record.supervisor)
        variables = environments.variables(workload, placement)
        recorded_environments.write(self.run_dir, str(workload.name), variables)
        return self._start(spec)

    async def restart_proxy(self, name: str) -> None:
        """Hot restart: no connection is refused, and the old process finishes its requests.

        It has ``Proxy.grace`` seconds for that. Raises ``KeyError`` for an unknown name, and
        ``Unstartable`` if the new process does not take over; then the old one keeps serving.
        """
        await self._supervisors[events.ProxyInstance(name)].replace()

    async def stop_proxy(self, name: str, spent: float = 0.0) -> None:
        """Drains and stops a proxy; returns when it has ended. Ignores unknown names.

        ``spent`` seconds of the grace period are over already.
        """
        await self._stop(events.ProxyInstance(name), spent)

    async def stop_workload(self, name: ObjectName, spent: float = 0.0) -> None:
        """Stops a workload when no client is connected any more; returns when it has ended.

        ``spent`` seconds of its grace period are over already. Ignores unknown names.
        """
        await self._stop(events.WorkloadInstance(name), spent)

    def admin(self, proxy: str) -> Admin:
        """The admin interface of a proxy that was started. Raises ``KeyError``."""
        return self._proxies[events.ProxyInstance(proxy)].admin

    def generation(self, proxy: str) -> int:
        """The number of the last process that was started for it. Raises ``KeyError``."""
        return self._proxies[events.ProxyInstance(proxy)].generation

    def log_path(self, subject: events.Subject) -> Path:
        """Where the output of ``subject`` is kept: that of all processes of a workload together."""
        if isinstance(subject, events.WorkloadInstance):
            return self.log_dir / f"{_file_name(str(subject.workload))}.workload.log"
        return self.log_dir / f"{_file_name(subject.name)}.proxy.log"

    def proxy_file(self, proxy: str, name: str) -> Path:
        """The path of a file in the proxy's folder."""
        return self._proxy_folder(proxy) / name

    async def wait_alone(self) -> None:
        """Waits until every process that was replaced by another one has ended."""
        for supervisor in tuple(self._supervisors.values()):
            await supervisor.wait_alone()

    def hand_over(self) -> RunnerRecord:
        """The record for ``running``. From now on, nothing reads the output of processes, and
        nothing may be waited for until the program is replaced."""
        proxies, workloads = [], []
        for subject, supervisor in self._supervisors.items():
            record = supervisor.hand_over()
            if isinstance(subject, events.WorkloadInstance):
                workloads.append(WorkloadRecord(subject.name, record))
                continue
            state = self._proxies[subject]
            memory = state.memory.descriptor
            proxies.append(
                ProxyRecord(subject.name, state.number, state.generation, memory, record)
            )
        return RunnerRecord(
            self._directory.hand_over(),
            str(self.log_dir),
            self._reaper.hand_over(),
            self._last_admin,
            tuple(proxies),
            tuple(workloads),
        )

    async def aclose(self) -> None:
        """Stops everything: gateways, then workloads, then sidecars. May be called again.

        All grace periods begin now.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        workloads = {s for s in self._supervisors if isinstance(s, events.WorkloadInstance)}
        for subjects in (self._gateways & self._supervisors.keys(), workloads, self._supervisors):
            spent = clock() - began
            await asyncio.gather(*(self._stop(subject, spent) for subject in tuple(subjects)))
        if not self._closed:
            self._closed = True
            self._reaper.close()
            self._directory.close()

    def _start(self, spec: ProcessSpec, running: SupervisorRecord | None = None) -> Supervisor:
        supervisor = Supervisor(spec, self._emit, self._random.random, self._backoff)
        if running is None:
            supervisor.start()
        else:
            record, log = running.process, self._logs[spec.subject]
            supervisor.resume(running, Process.adopt(record, self._reaper, log) if record else None)
        self._supervisors[spec.subject] = supervisor
        return supervisor

    def _proxy_state(self, record: ProxyRecord | None) -> ProxyState:
        if record is None:
            self._last_admin += 1
            admin = Admin(socket_path(self.run_dir, self._last_admin))
            return ProxyState(self._last_admin, admin, SharedMemory())
        admin = Admin(socket_path(self.run_dir, record.admin))
        return ProxyState(record.admin, admin, SharedMemory(record.memory), record.generation)

    async def _stop(self, subject: events.Subject, spent: float) -> None:
        if (supervisor := self._supervisors.get(subject)) is None:
            return
        await supervisor.stop(spent)
        if self._supervisors.pop(subject, None) is not None:
            self._logs.pop(subject).close()
            self._gateways.discard(subject)
            if proxy := self._proxies.pop(subject, None):
                proxy.memory.close()
                self._starvation.forget(subject.name)
            else:
                recorded_environments.remove(self.run_dir, subject.name)

    def _proxy_folder(self, proxy: str) -> Path:
        return self.run_dir / "proxies" / _file_name(proxy)

    def _refuse_twice(self, subject: events.Subject) -> None:
        if subject in self._supervisors:
            raise ValueError(f"{subject} is running already")

    def _log(self, subject: events.Subject) -> LogFile:
        loop = asyncio.get_running_loop()

        def tell(reason: str) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._emit, events.LogLost(subject, reason))

        warnings = Warnings(loop.time)

        def look(line: bytes) -> None:
            if (text := warnings.of(line)) and not loop.is_closed():
                loop.call_soon_threadsafe(self._emit, events.Warned(subject, text))

        of_proxy = isinstance(subject, events.ProxyInstance)
        log = LogFile(
            self.log_path(subject), on_trouble=tell, on_line=look if of_proxy else lambda _: None
        )
        self._logs[subject] = log
        return log

    def _emit(self, event: events.Event) -> None:
        try:
            self._on_event(event)
        except Exception as error:  # a listener's error must not stop supervision
            context = {"message": f"listener failed at: {event}", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)


def _file_name(name: str) -> str:
    return name.replace("/", "_")
