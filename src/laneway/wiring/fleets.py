"""The fleet: all processes of a mesh on this machine, with their addresses and readiness.

It stands between ``rollouts``, which decide what should run, and the runner, which runs single
processes. A workload may have several processes at once: the one that receives requests, its
successor that is not ready yet, and older ones that are terminating. A workload is ready if both
its process and its sidecar are ready, because only then callers can reach it.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from laneway.adapters.runner.bootstraps import bootstrap
from laneway.adapters.runner.descriptors import most_connections
from laneway.adapters.runner.errors import RunnerError
from laneway.adapters.runner.proxies import Proxy
from laneway.adapters.runner.runner import Runner
from laneway.adapters.runner.supervisors import Supervisor
from laneway.compile.envoy import names
from laneway.control import events
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Address, Placements, SidecarPlacement
from laneway.model.workloads import Workload
from laneway.wiring.address_allocation import AddressAllocator, sidecar_addresses

# Between a workload's name and the number of its process, where others of it run.
_NUMBER = "~"


@dataclass(frozen=True, slots=True)
class WorkloadStatus:
    """``pid`` is None for a workload that is not ours to run, and between two lives.

    ``restarts`` counts how often its process was started again because it had ended.
    """

    name: ObjectName
    ready: bool
    pid: int | None
    restarts: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One process of a workload, under its own name. ``sidecar`` is the node id it is behind."""

    name: ObjectName
    workload: Workload
    sidecar: str
    addresses: tuple[Address, ...]

    @property
    def subject(self) -> events.Subject:
        return events.WorkloadInstance(self.name)


class Fleet:
    """``on_ready`` hears when a workload may, and when it may no longer, receive requests.

    ``tokens`` has, by node id, what each proxy proves its identity with to the control plane.
    """

    def __init__(
        self,
        runner: Runner,
        allocator: AddressAllocator,
        xds: Path,
        concurrency: int,
        on_ready: Callable[[ObjectName, bool], None],
    ) -> None:
        self._runner = runner
        self._allocator = allocator
        self._xds = xds
        self._concurrency = concurrency
        self._on_ready = on_ready
        self._supervisors: dict[events.Subject, Supervisor] = {}
        self._instances: dict[ObjectName, Instance] = {}
        self._stopping: set[events.Subject] = set()
        self._graces: dict[str, float] = {}
        self.tokens: dict[str, str] = {}

    def observe(self, event: events.Event) -> None:
        """Processes an event of the runner. Pass all of them."""
        if not isinstance(event, events.Ready | events.Unready):
            return
        for workload, instance in self._instances.items():
            if event.subject in (instance.subject, _proxy(instance.sidecar)):
                self._on_ready(workload, self.is_ready(workload))

    async def start_proxies(self, mesh: Mesh, placements: Placements) -> None:
        """Start the Envoys of ``mesh`` that do not run yet; others may listen on more."""
        for workload in mesh.workloads:
            node = sidecar_node(placements.sidecars[workload.name])
            self._graces[node] = workload.termination_grace_period
        for gateway, placed in placements.gateways.items():
            node = names.gateway_node(gateway, placed.generation)
            self._allocator.share(placed.listeners.values())
            if _proxy(node) not in self._supervisors:
                await self._start_proxy(node, gateway=True)
        for sidecar in placements.sidecars.values():
            node = sidecar_node(sidecar)
            self._allocator.share(sidecar_addresses(sidecar))
            if _proxy(node) not in self._supervisors:
                await self._start_proxy(node, gateway=False)

    async def resume(
        self,
        mesh: Mesh,
        placements: Placements,
        instances: Mapping[str, str],
        tokens: Mapping[str, str],
    ) -> None:
        """Goes on with what the program before this one handed over to the runner.

        ``instances`` has the names of processes by workload. A workload that is not in it was
        stopped. Raises ``RunnerError``.
        """
        self.tokens.update(tokens)
        await self.start_proxies(mesh, placements)
        for workload in mesh.workloads:
            if name := instances.get(str(workload.name)):
                placed = placements.sidecars[workload.name]
                self.adopt(await self.start(workload, placed, ObjectName.of(name)))

    async def start(
        self, workload: Workload, placement: SidecarPlacement, name: ObjectName | None = None
    ) -> Instance:
        """Start a process of the workload, which is not yet the one that counts: see ``adopt``.

        ``name`` is that of the process, if it has one already.
        """
        instance = Instance(
            name or self._free_name(workload.name),
            workload,
            sidecar_node(placement),
            () if workload.address else tuple(placement.application.values()),
        )
        self._allocator.release(instance.addresses)
        process = replace(workload, name=instance.name)
        supervisor = await self._runner.start_workload(process, placement)
        self._supervisors[supervisor.subject] = supervisor
        return instance

    def adopt(self, instance: Instance) -> Instance | None:
        """From now on this is the workload's process. Returns the one before it."""
        before = self._instances.get(instance.workload.name)
        self._instances[instance.workload.name] = instance
        return before

    def release(self, workload: ObjectName) -> Instance | None:
        """The workload has no process any more; the one it had still runs, and is returned."""
        return self._instances.pop(workload, None)

    async def stop(self, instance: Instance, spent: float = 0.0) -> None:
        """Stops a process to which no requests are sent any more; returns when it has ended.

        ``spent`` seconds of its grace period are over already.
        """
        self._stopping.add(instance.subject)
        await self._runner.stop_workload(instance.name, spent)
        self._gone(instance.subject)

    async def stop_proxy(self, node: str, spent: float = 0.0) -> None:
        """As ``stop``."""
        self._stopping.add(_proxy(node))
        await self._runner.stop_proxy(node, spent)
        self._gone(_proxy(node))
        self._graces.pop(node, None)
        self.tokens.pop(node, None)

    async def stop_listening(self, node: str) -> None:
        """Close the proxy's listening sockets. Raises ``AdminUnreachable``."""
        if _proxy(node) in self._supervisors:
            await self._runner.admin(node).stop_listening()

    async def restart_proxy(self, node: str) -> None:
        await self._runner.restart_proxy(node)

    async def wait_restarted(self, node: str) -> None:
        """Until the process before a hot restart has ended. Raises ``KeyError``."""
        await self._supervisors[_proxy(node)].wait_alone()

    @property
    def instances(self) -> Mapping[str, str]:
        """The names of the processes that receive requests, by workload."""
        return {str(name): str(each.name) for name, each in self._instances.items()}

    async def wait_instance(self, instance: Instance) -> None:
        """Until it and its sidecar are ready. Raises ``NotReady``."""
        await self._supervisors[instance.subject].wait_ready()
        await self._supervisors[_proxy(instance.sidecar)].wait_ready()

    async def wait_ready(self) -> tuple[str, ...]:
        """Until everything that runs is ready, or is not to be expected to be; returns what."""
        wanted = {_proxy(node) for node in self.nodes} - self._stopping
        wanted |= {instance.subject for instance in self._instances.values()}
        waits = [s.wait_ready() for subject, s in self._supervisors.items() if subject in wanted]
        results = await asyncio.gather(*waits, return_exceptions=True)
        problems = [result for result in results if isinstance(result, BaseException)]
        for problem in problems:
            if not isinstance(problem, RunnerError):
                raise problem
        return tuple(map(str, problems))

    def workloads(self, mesh: Mesh) -> Iterable[WorkloadStatus]:
        for workload in mesh.workloads:
            if instance := self._instances.get(workload.name):
                supervisor = self._supervisors[instance.subject]
                ready = self.is_ready(workload.name)
                yield WorkloadStatus(workload.name, ready, supervisor.pid, supervisor.restarts)

    @property
    def nodes(self) -> frozenset[str]:
        """The node ids of the proxies that were started."""
        return frozenset(s.node for s in self._supervisors if isinstance(s, events.ProxyInstance))

    def proxy_pid(self, node: str) -> int | None:
        supervisor = self._supervisors.get(_proxy(node))
        return supervisor.pid if supervisor else None

    def application_pid(self, node: str) -> int | None:
        """Of the workload that this sidecar is beside, as ``WorkloadStatus`` has it."""
        name = names.workload_of(node)
        instance = self._instances.get(name) if name else None
        return self._supervisors[instance.subject].pid if instance else None

    def proxy_restarts(self, node: str) -> int:
        supervisor = self._supervisors.get(_proxy(node))
        return supervisor.restarts if supervisor else 0

    def proxy_is_ready(self, node: str) -> bool:
        supervisor = self._supervisors.get(_proxy(node))
        return supervisor is not None and supervisor.ready

    def is_ready(self, workload: ObjectName) -> bool:
        if (instance := self._instances.get(workload)) is None:
            return False
        subjects = (_proxy(instance.sidecar), instance.subject)
        return all(s in self._supervisors and self._supervisors[s].ready for s in subjects)

    def _gone(self, subject: events.Subject) -> None:
        self._supervisors.pop(subject, None)
        self._stopping.discard(subject)

    def _free_name(self, workload: ObjectName) -> ObjectName:
        """The workload's own name, or with the first number that no process of it has."""
        numbered = (
            replace(workload, name=f"{workload.name}{_NUMBER}{number}")
            for number in itertools.count(2)
        )
        taken = {subject.name for subject in self._supervisors}
        return next(n for n in itertools.chain([workload], numbered) if str(n) not in taken)

    async def _start_proxy(self, node: str, *, gateway: bool) -> None:
        def grace() -> float:
            """A gateway's requests may be in any workload."""
            most = max(self._graces.values(), default=0.0)
            return most if gateway else self._graces.get(node, most)

        # The same for all processes of the node: two of them are connected during a hot restart.
        token = self.tokens.setdefault(node, secrets.token_urlsafe(32))
        proxy = Proxy(
            node,
            lambda admin, number: bootstrap(
                node,
                self._xds,
                admin,
                generation=number,
                max_connections=most_connections(),
                token=token,
            ),
            gateway=gateway,
            concurrency=self._concurrency,
            grace=grace,
        )
        supervisor = await self._runner.start_proxy(proxy)
        self._supervisors[supervisor.subject] = supervisor


def workload_of(instance: ObjectName) -> ObjectName:
    """The workload that a process with the name ``instance`` runs."""
    return events.WorkloadInstance(instance).workload


def sidecar_node(sidecar: SidecarPlacement) -> str:
    """Its node id."""
    return names.sidecar_node(sidecar.workload, sidecar.generation)


def _proxy(node: str) -> events.Subject:
    return events.ProxyInstance(node)
