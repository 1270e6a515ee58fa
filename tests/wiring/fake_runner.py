"""A runner and proxies in memory, for changes in any order and at any moment.

They are as late as a random number says, and hold what must hold at each step: no two processes
at one address, and no process stopped that some proxy may still send requests to.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from random import Random
from typing import Any

from laneway.adapters.runner.errors import NotReady
from laneway.adapters.runner.proxies import Proxy
from laneway.compile.envoy.names import gateway_node, sidecar_node
from laneway.compile.ir import MeshRoutes
from laneway.compile.resources import CLUSTER, ENDPOINT, Resource, Snapshot
from laneway.control import events
from laneway.control.proxies import ProxyStatus, ResourceStatus, Verdict
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Address, Placements, SidecarPlacement
from laneway.model.workloads import Workload

#: A workload with this variable never becomes ready; a mesh with this service is refused.
NEVER = "NEVER"
REFUSED = "refused"


async def some_time(random: Random) -> None:
    for _ in range(random.randrange(6)):
        await asyncio.sleep(0)


def emit(mesh: Mesh, routes: MeshRoutes, placements: Placements) -> Mapping[str, Snapshot]:
    """For each proxy, the services that it may call, and the address of its own application."""
    ready = [p for name, p in placements.sidecars.items() if name in placements.ready]
    called = [str(a) for p in ready for a in p.inbound.values() if p.workload in _names(mesh)]
    refused = [s.name.name for s in mesh.services if s.name.name == REFUSED]
    snapshots = {
        gateway_node(name, gateway.generation): _snapshot(called, [], refused)
        for name, gateway in placements.gateways.items()
    }
    own = [placements.sidecars[name] for name in _names(mesh) if name in placements.sidecars]
    for sidecar in (*own, *(each.placement for each in placements.terminating)):
        node = sidecar_node(sidecar.workload, sidecar.generation)
        snapshots[node] = _snapshot(called, [str(a) for a in sidecar.application.values()], refused)
    return snapshots


def _names(mesh: Mesh) -> set[ObjectName]:
    return set(mesh.workloads_by_name)


def _snapshot(called: list[str], application: list[str], refused: list[str]) -> Snapshot:
    endpoints = {"called": called, "application": application}
    return Snapshot(
        {
            ENDPOINT: {
                name: Resource.of(ENDPOINT, name, json.dumps(each).encode())
                for name, each in endpoints.items()
            },
            CLUSTER: {name: Resource.of(CLUSTER, name, b"") for name in refused},
        }
    )


class Proxies:
    """Each acts by any of the snapshots it was sent since it last acknowledged."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._possible: dict[str, list[Snapshot]] = {}

    def publish(self, snapshots: Mapping[str, Snapshot]) -> None:
        for node, snapshot in snapshots.items():
            self._possible.setdefault(node, []).append(snapshot)

    def forget(self, node: str) -> None:
        self._possible.pop(node, None)

    def status(self, node: str) -> ProxyStatus:
        possible = self._possible.get(node, [])
        refused = tuple(
            ResourceStatus(CLUSTER, name, "v", "", Verdict.REJECTED, "no good")
            for name in (possible[-1].resources(CLUSTER) if possible else ())
        )
        return ProxyStatus(node, True, len(possible) == 1 and not refused, refused)

    def is_connected(self, node: str) -> bool:
        return True

    async def wait_synced(self, nodes: frozenset[str]) -> Mapping[str, ProxyStatus]:
        for node in sorted(nodes):
            latest = self._possible.get(node, [None])[-1]
            await some_time(self._random)
            while (possible := self._possible.get(node)) and possible[-1] is not latest:
                latest = possible[-1]
                await some_time(self._random)
            if possible:
                self._possible[node] = possible[-1:]
        return {node: self.status(node) for node in nodes}

    def may_call(self, address: Address) -> bool:
        return self._any("called", address, self._possible)

    def may_lead(self, node: str, application: Address) -> bool:
        return self._any("application", application, [node])

    def _any(self, what: str, address: Address, nodes: Any) -> bool:
        return any(
            str(address) in json.loads(snapshot.resources(ENDPOINT)[what].body)
            for node in nodes
            for snapshot in self._possible.get(node, ())
        )


class Supervisor:
    """Of one process, which ``settled`` once it is ready, or will never be."""

    def __init__(self, subject: events.Subject) -> None:
        self.subject = subject
        self.ready = False
        self.pid = 1
        self.restarts = 0
        self.settled = asyncio.Event()

    async def wait_ready(self) -> None:
        await self.settled.wait()
        if not self.ready:
            raise NotReady(f"{self.subject} did not become ready")

    async def wait_alone(self) -> None:
        await asyncio.sleep(0)


class Admin:
    async def stop_listening(self) -> None:
        await asyncio.sleep(0)


class FakeRunner:
    """``running`` is what runs, with where each workload's process listens."""

    def __init__(self, random: Random, proxies: Proxies) -> None:
        self._random = random
        self._proxies = proxies
        self._supervisors: dict[events.Subject, Supervisor] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.placed: dict[events.Subject, tuple[ObjectName, SidecarPlacement]] = {}
        self.problems: list[str] = []
        self.may_end: asyncio.Event | None = None
        self.on_event: Any = lambda event: None

    @property
    def running(self) -> frozenset[events.Subject]:
        return frozenset(self._supervisors)

    async def start_proxy(self, proxy: Proxy) -> Supervisor:
        return self._start(events.ProxyInstance(proxy.name), ready=True)

    async def start_workload(self, workload: Workload, placement: SidecarPlacement) -> Supervisor:
        subject = events.WorkloadInstance(workload.name)
        taken = {a for _, other in self.placed.values() for a in other.application.values()}
        assert taken.isdisjoint(placement.application.values()), f"{subject}: address in use"
        started = self._start(subject, ready=NEVER not in workload.env)
        self.placed[subject] = (workload.name, placement)
        return started

    async def restart_proxy(self, name: str) -> None:
        self._supervisors[events.ProxyInstance(name)]
        await some_time(self._random)

    async def stop_proxy(self, name: str, spent: float = 0.0) -> None:
        behind = {sidecar_node(p.workload, p.generation) for _, p in self.placed.values()}
        if name in behind:
            self.problems.append(f"{name} stops before the application behind it")
        await self._stop(events.ProxyInstance(name))

    async def stop_workload(self, name: ObjectName, spent: float = 0.0) -> None:
        subject = events.WorkloadInstance(name)
        if subject in self.placed:
            _, placement = self.placed[subject]
            node = sidecar_node(placement.workload, placement.generation)
            for port, application in placement.application.items():
                called = self._proxies.may_call(placement.inbound[port])
                led = self._proxies.may_lead(node, application)
                if called and led:
                    self.problems.append(f"{subject} stops while it may be called")
        if self.may_end:
            await self.may_end.wait()
        await self._stop(subject)
        self.placed.pop(subject, None)

    def admin(self, node: str) -> Admin:
        return Admin()

    def _start(self, subject: events.Subject, ready: bool) -> Supervisor:
        assert subject not in self._supervisors, f"{subject} is running already"
        supervisor = self._supervisors[subject] = Supervisor(subject)
        task = asyncio.create_task(self._settle(supervisor, ready))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return supervisor

    async def _settle(self, supervisor: Supervisor, ready: bool) -> None:
        await some_time(self._random)
        if self._supervisors.get(supervisor.subject) is not supervisor:
            return
        supervisor.ready = ready
        supervisor.settled.set()
        if ready:
            self.on_event(events.Ready(supervisor.subject))

    async def _stop(self, subject: events.Subject) -> None:
        if subject not in self._supervisors:
            return
        supervisor = self._supervisors[subject]
        supervisor.ready = False
        self.on_event(events.Unready(subject, "stopped", asked=True))
        await some_time(self._random)
        self._supervisors.pop(subject, None)
        supervisor.settled.set()
