"""The fleet: every process of a mesh on this machine, joined to its place and its readiness.

Between ``embedded`` (which decides what should run) and the runner (which runs single processes).
A workload counts as ready when both it and its sidecar are: only then can callers reach it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
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
from laneway.model.placements import Placements
from laneway.model.workloads import Workload
from laneway.wiring.placing import Places, sidecar_addresses

# Between a workload's name and the number of its process, for the second and later of a replaced
# workload: both run at once for a while.
_GENERATION = "~"


@dataclass(frozen=True, slots=True)
class WorkloadStatus:
    """``pid`` is None for a workload that is not ours to run, and between two lives."""

    name: ObjectName
    ready: bool
    pid: int | None


class Fleet:
    """``on_ready`` hears when a workload may, and when it may no longer, receive requests."""

    def __init__(
        self,
        runner: Runner,
        places: Places,
        xds: Path,
        concurrency: int,
        on_ready: Callable[[ObjectName, bool], None],
    ) -> None:
        self._runner = runner
        self._places = places
        self._xds = xds
        self._concurrency = concurrency
        self._on_ready = on_ready
        self._supervisors: dict[events.Subject, Supervisor] = {}
        self._instances: dict[ObjectName, ObjectName] = {}
        self._generations: dict[ObjectName, int] = {}

    def observe(self, event: events.Event) -> None:
        """To be told of every event of the runner."""
        if not isinstance(event, events.Ready | events.Unready):
            return
        for workload, instance in self._instances.items():
            if event.subject in (_proxy(names.sidecar_node(workload)), _workload(instance)):
                self._on_ready(workload, self._is_ready(workload))

    async def start_proxies(self, placements: Placements) -> None:
        """Start the Envoys of ``placements`` that do not run yet; others may listen on more."""
        for gateway, placed in placements.gateways.items():
            node = names.gateway_node(gateway)
            self._places.share(placed.listeners.values())
            if _proxy(node) not in self._supervisors:
                await self._start_proxy(node, gateway=True)
        for workload, sidecar in placements.sidecars.items():
            node = names.sidecar_node(workload)
            self._places.share(sidecar_addresses(sidecar))
            if _proxy(node) not in self._supervisors:
                await self._start_proxy(node, gateway=False)

    async def start_workload(self, workload: Workload, placements: Placements) -> None:
        """Start a workload; in its place, if an ended process of it is still known."""
        instance = self._instances.get(workload.name, workload.name)
        await self._stop(_workload(instance))
        await self._start(workload, instance, placements)
        self._instances[workload.name] = instance

    async def stop_workload(self, name: ObjectName) -> None:
        instance = self._instances.pop(name, None)
        if instance is not None:
            await self._stop(_workload(instance))

    async def restart_proxy(self, node: str) -> None:
        await self._runner.restart_proxy(node)

    async def stop_proxy(self, node: str) -> None:
        await self._stop(_proxy(node))

    async def start_successor(self, workload: Workload, placements: Placements) -> ObjectName:
        """Start another process of a workload that runs, and wait until it is ready.

        It does not receive requests until ``succeed``. Raises ``NotReady``, having stopped it.
        """
        number = self._generations[workload.name] = self._generations.get(workload.name, 1) + 1
        name = workload.name
        instance = ObjectName(name.namespace, f"{name.name}{_GENERATION}{number}")
        await self._start(workload, instance, placements)
        try:
            await self._supervisors[_workload(instance)].wait_ready()
        except RunnerError:
            await self._stop(_workload(instance))
            raise
        return instance

    async def stop_successor(self, successor: ObjectName) -> None:
        """It is not needed after all."""
        await self._stop(_workload(successor))

    async def succeed(self, name: ObjectName, successor: ObjectName) -> None:
        """The successor is the workload from now on; the process before it is stopped."""
        before, self._instances[name] = self._instances[name], successor
        await self._stop(_workload(before))

    async def wait_ready(self) -> tuple[str, ...]:
        """Until everything that runs is ready, or is not to be expected to be; returns what."""
        waits = (supervisor.wait_ready() for supervisor in list(self._supervisors.values()))
        results = await asyncio.gather(*waits, return_exceptions=True)
        problems = [result for result in results if isinstance(result, BaseException)]
        for problem in problems:
            if not isinstance(problem, RunnerError):
                raise problem
        return tuple(map(str, problems))

    def workloads(self, mesh: Mesh) -> Iterable[WorkloadStatus]:
        for workload in mesh.workloads:
            if instance := self._instances.get(workload.name):
                pid = self._supervisors[_workload(instance)].pid
                yield WorkloadStatus(workload.name, self._is_ready(workload.name), pid)

    @property
    def nodes(self) -> frozenset[str]:
        """The node ids of the proxies that were started."""
        return frozenset(s.node for s in self._supervisors if isinstance(s, events.ProxyInstance))

    def proxy_pid(self, node: str) -> int | None:
        supervisor = self._supervisors.get(_proxy(node))
        return supervisor.pid if supervisor else None

    def _is_ready(self, workload: ObjectName) -> bool:
        subjects = (_proxy(names.sidecar_node(workload)), _workload(self._instances[workload]))
        return all(s in self._supervisors and self._supervisors[s].ready for s in subjects)

    async def _start(
        self, workload: Workload, instance: ObjectName, placements: Placements
    ) -> None:
        placement = placements.sidecars[workload.name]
        self._places.release(placement.application.values())
        process = replace(workload, name=instance)
        supervisor = await self._runner.start_workload(process, placement)
        self._supervisors[supervisor.subject] = supervisor

    async def _start_proxy(self, node: str, *, gateway: bool) -> None:
        proxy = Proxy(
            node,
            lambda admin, number: bootstrap(
                node,
                self._xds,
                admin,
                generation=number,
                max_connections=most_connections(),
            ),
            gateway=gateway,
            concurrency=self._concurrency,
        )
        supervisor = await self._runner.start_proxy(proxy)
        self._supervisors[supervisor.subject] = supervisor

    async def _stop(self, subject: events.Subject) -> None:
        if self._supervisors.pop(subject, None) is None:
            return
        if isinstance(subject, events.ProxyInstance):
            await self._runner.stop_proxy(subject.node)
        else:
            await self._runner.stop_workload(subject.instance)


def _workload(instance: ObjectName) -> events.Subject:
    return events.WorkloadInstance(instance)


def _proxy(node: str) -> events.Subject:
    return events.ProxyInstance(node)
