"""The runner's double: processes that become ready after a while, or never, and end when told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from tests.simulation.envoys import Envoy
from tests.simulation.event_loop import Process
from tests.wiring.fake_runner import Supervisor

from laneway.adapters.runner.errors import Unstartable
from laneway.adapters.runner.proxies import Proxy
from laneway.control import events
from laneway.model.names import ObjectName
from laneway.model.placements import Address, SidecarPlacement
from laneway.model.workloads import Workload

#: The command of a workload that cannot be started, and of one that never becomes ready.
MISSING, NEVER_READY = "missing", "never-ready"
#: Virtual seconds after which a process that is not ready is given up.
_PATIENCE = 8.0

StartEnvoy = Callable[[str, int], Envoy]


class _Admin:
    async def stop_listening(self) -> None:
        await asyncio.sleep(0.01)


class SimulatedRunner:
    """``start_envoy`` makes an Envoy of a node and the number of its process. ``process`` is the
    server's.

    ``before`` is the runner of the program before this one, whose processes go on.
    """

    def __init__(
        self,
        process: Process,
        random: Random,
        start_envoy: StartEnvoy,
        before: SimulatedRunner | None = None,
    ) -> None:
        self._process = process
        self._random = random
        self._start_envoy = start_envoy
        self._numbers: dict[str, int] = {}
        self.envoys: dict[str, Envoy] = {}
        self.supervisors: dict[events.Subject, Supervisor] = {}
        self.on_event: Callable[[events.Event], None] = lambda event: None
        #: Envoys that were replaced, and answer what is inside them.
        self._draining: dict[Envoy, None] = {}
        self._inherited: dict[events.Subject, Supervisor] = {}
        if before is not None:
            self._numbers, self.envoys = before._numbers, before.envoys
            self._inherited = before.supervisors

    async def start_proxy(self, proxy: Proxy) -> Supervisor:
        await asyncio.sleep(self._random.uniform(0.0, 0.1) if self._inherited else 0.001)
        subject = events.ProxyInstance(proxy.name)
        if subject in self._inherited and self.envoys[proxy.name].process.alive:
            return self._adopt(subject, ready=True)
        self._inherited.pop(subject, None)
        self._launch(proxy.name)
        return self._start(subject, ready=True)

    async def start_workload(self, workload: Workload, placement: SidecarPlacement) -> Supervisor:
        await asyncio.sleep(0.001)
        command = workload.command or ("none",)
        if command[0] == MISSING:
            raise Unstartable(f"Workload {workload.name}: there is no command {MISSING}")
        ready = command[0] != NEVER_READY
        subject = events.WorkloadInstance(workload.name)
        if subject in self._inherited:
            return self._adopt(subject, ready=ready)
        return self._start(subject, ready=ready)

    async def stop_proxy(self, name: str, spent: float = 0.0) -> None:
        await self._stop(events.ProxyInstance(name))
        if envoy := self.envoys.pop(name, None):
            envoy.kill()

    async def stop_workload(self, name: ObjectName, spent: float = 0.0) -> None:
        await self._stop(events.WorkloadInstance(name))

    async def restart_proxy(self, name: str) -> None:
        """Hot: the old process goes on until the new one has taken over, and then for a while."""
        await asyncio.sleep(self._random.uniform(0.1, 1.0))
        before = self.envoys.get(name)
        if before is not None and self._random.random() < 0.1:
            before.is_irreplaceable = True
            raise Unstartable(f"proxy {name} cannot be restarted")
        if before is None or not before.process.alive:
            return  # it is started anew
        self._launch(name)
        self._draining[before] = None
        await asyncio.sleep(self._random.uniform(0.0, 1.0))
        self._process.spawn(self._drain(before))

    async def _drain(self, envoy: Envoy) -> None:
        await asyncio.sleep(self._random.uniform(0.0, 3.0))
        envoy.kill()
        del self._draining[envoy]

    async def wait_alone(self) -> None:
        """Until no process runs beside its successor."""
        while self._draining:
            await asyncio.sleep(0.1)

    def generation(self, node: str) -> int:
        return self._numbers[node]

    def admin(self, node: str) -> _Admin:
        return _Admin()

    def crash_proxy(self, node: str) -> None:
        """The Envoy dies; a new one, which knows nothing, is started in its place."""
        if not self.envoys[node].process.alive:
            return
        self.envoys[node].kill()
        self._process.spawn(self._relaunch(node))

    async def _relaunch(self, node: str) -> None:
        supervisor = self.supervisors[events.ProxyInstance(node)]
        self._set_ready(supervisor, ready=False)
        await asyncio.sleep(self._random.uniform(0.1, 1.0))
        if self.supervisors.get(supervisor.subject) is supervisor and node in self.envoys:
            self._launch(node)
            await asyncio.sleep(self._random.uniform(0.1, 1.0))
            self._set_ready(supervisor, ready=True)

    def flap(self, subject: events.Subject) -> None:
        """A process is not ready for a while."""
        self._process.spawn(self._flap(self.supervisors[subject]))

    async def _flap(self, supervisor: Supervisor) -> None:
        if supervisor.ready:
            self._set_ready(supervisor, ready=False)
            await asyncio.sleep(self._random.uniform(0.1, 5.0))
            self._set_ready(supervisor, ready=True)

    def kill_all(self) -> None:
        """They die with laneway."""
        for envoy in (*self.envoys.values(), *self._draining):
            envoy.kill()

    def _launch(self, node: str) -> None:
        number = self._numbers[node] = self._numbers.get(node, 0) + 1
        self.envoys[node] = self._start_envoy(node, number)

    def _adopt(self, subject: events.Subject, *, ready: bool) -> Supervisor:
        """A process goes on under a supervisor of this program, as ready as it was."""
        before = self._inherited.pop(subject)
        if not before.ready:
            return self._start(subject, ready=ready)
        supervisor = self.supervisors[subject] = Supervisor(subject)
        supervisor.ready = True
        supervisor.settled.set()
        return supervisor

    def _start(self, subject: events.Subject, *, ready: bool) -> Supervisor:
        assert subject not in self.supervisors, f"{subject} is running already"
        supervisor = self.supervisors[subject] = Supervisor(subject)
        self._process.spawn(self._settle(supervisor, ready))
        return supervisor

    async def _settle(self, supervisor: Supervisor, ready: bool) -> None:
        await asyncio.sleep(self._random.uniform(0.05, 2.0) if ready else _PATIENCE)
        self._set_ready(supervisor, ready=ready)
        supervisor.settled.set()

    def _set_ready(self, supervisor: Supervisor, *, ready: bool) -> None:
        if self.supervisors.get(supervisor.subject) is not supervisor:
            return
        if supervisor.ready != ready:
            supervisor.ready = ready
            subject = supervisor.subject
            self.on_event(events.Ready(subject) if ready else events.Unready(subject, "ended"))

    async def _stop(self, subject: events.Subject) -> None:
        supervisor = self.supervisors.get(subject)
        if supervisor is None:
            return
        supervisor.ready = False
        self.on_event(events.Unready(subject, "stopped", asked=True))
        await asyncio.sleep(self._random.uniform(0.0, 1.0))
        self.supervisors.pop(subject, None)
        supervisor.settled.set()


class SimulatedPorts:
    """Ports of a machine that has enough of them."""

    def __init__(self) -> None:
        self._next = 20000
        self._given: set[int] = set()

    def reserve(self, owner: str, port: int = 0) -> Address:
        if not port:
            self._next += 1
            port = self._next
        assert port not in self._given, f"{owner}: port {port} is given twice"
        self._given.add(port)
        return Address("127.0.0.1", port)

    def share(self, addresses: object) -> None: ...

    def release(self, addresses: object) -> None: ...

    def forget(self, addresses: Any) -> None:
        for address in addresses:
            self._given.discard(address.port)
