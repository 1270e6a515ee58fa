"""A whole mesh on this machine: the xds and runner adapters joined to the control plane.

The order of a start: ports, snapshots, the xDS server, proxies, workloads. Readiness flows from
the runner through the control plane to the proxies; an orderly stop goes the other way round. A
change starts what is new first and stops what is gone last, around the plane's transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from laneway.adapters.runner.binary import find_envoy
from laneway.adapters.runner.ports import Ports
from laneway.adapters.runner.runner import Runner
from laneway.adapters.xds.roster import Roster
from laneway.adapters.xds.server import XdsServer
from laneway.compile.envoy import names, visibility
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.envoy.snapshots import Emitter
from laneway.control import events
from laneway.control.proxies import ProxyStatus, Verdict
from laneway.control.rejected_rules import leave_out_rejected
from laneway.control.rollout import Change, Plane, rejected
from laneway.filter import module_path
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Placements
from laneway.model.workloads import Workload
from laneway.wiring.fleets import Fleet, WorkloadStatus
from laneway.wiring.placing import Places


@dataclass(frozen=True, slots=True)
class Settings:
    """``run_dir`` None makes a private one and removes it at the end. ``concurrency`` is the
    number of worker threads of each Envoy. ``free_gateway_ports`` ignores declared ports.
    ``explain`` is what callers send as ``x-laneway-explain`` to be told how they are routed.
    ``drain_seconds`` lie between the last request to a workload and its stop."""

    run_dir: Path | None = None
    log_dir: Path | None = None
    envoy: Path | None = None
    concurrency: int = 2
    free_gateway_ports: bool = False
    explain: str | None = None
    access_log: bool = False
    drain_seconds: float = 0.3


class Embedded:
    """Use it as an async context manager: inside the block everything runs.

    Entering raises ``RunnerError`` (or ``OSError``) when something cannot be started at all; what
    was started by then is stopped again. Whether workloads become ready is ``wait_ready``'s to say.
    """

    def __init__(
        self,
        mesh: Mesh,
        settings: Settings = Settings(),
        on_event: Callable[[events.Event], None] = lambda event: None,
    ) -> None:
        self._declared = mesh
        self._settings = settings
        self._on_event = on_event
        self._roster = Roster(self._proxy_changed)
        options = Options(
            FilterModule(str(module_path())),
            explain=settings.explain,
            access_log="access.log" if settings.access_log else None,
        )
        self.plane = Plane(self._roster, self._roster, Emitter(options))
        self._rejected: set[tuple[str, str, str, str]] = set()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        settings = self._settings
        async with AsyncExitStack() as stack:
            ports = Ports()
            stack.callback(ports.close)
            self._places = Places(ports, free_gateway_ports=settings.free_gateway_ports)
            envoy = find_envoy(settings.envoy)
            runner = self._runner = await stack.enter_async_context(
                Runner(
                    envoy,
                    self._runner_event,
                    run_dir=settings.run_dir,
                    log_dir=settings.log_dir,
                )
            )
            self.run_dir, self.log_dir = runner.run_dir, runner.log_dir
            socket = runner.run_dir / "xds.sock"
            self._fleet = Fleet(
                runner, self._places, socket, settings.concurrency, self.plane.set_ready
            )
            placements = self._places.place(self._declared, Placements())
            await stack.enter_async_context(XdsServer(self._roster, f"unix:{socket}"))
            stack.push_async_callback(runner.aclose)  # before the server goes
            self.plane.place(placements)
            await self.plane.change(self._declared)
            await self._fleet.start_proxies(placements)
            for workload in self._declared.workloads:
                await self._fleet.start_workload(workload, placements)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def mesh(self) -> Mesh:
        return self.plane.mesh

    def gateway_urls(self) -> Mapping[ObjectName, Mapping[int, str]]:
        """Gateway -> declared port -> where it really listens, as a URL."""
        return {
            name: {port: f"http://{address}" for port, address in placement.listeners.items()}
            for name, placement in self.plane.placements.gateways.items()
        }

    def proxies(self) -> tuple[ProxyStatus, ...]:
        return tuple(self._roster.status(node) for node in sorted(self.plane.nodes))

    def workloads(self) -> tuple[WorkloadStatus, ...]:
        return tuple(self._fleet.workloads(self.mesh))

    def proxy_pid(self, node: str) -> int | None:
        return self._fleet.proxy_pid(node)

    async def lane_counts(self, node: str) -> Mapping[tuple[str, str, str], int]:
        """Requests that a proxy has sent on, by (service, lane, served lane).

        The lane is ``?`` where a request named one that the service has no subset of, so that both
        causes of a fallback can be told apart. Raises ``AdminUnreachable``.
        """
        counts: dict[tuple[str, str, str], int] = {}
        for name, value in (await self._runner.admin(node).stats(visibility.COUNTERS)).items():
            if key := visibility.counted(name):
                counts[key] = counts.get(key, 0) + value
        return counts

    async def wait_ready(self) -> tuple[str, ...]:
        """Until every proxy and workload is ready, and every proxy knows. Returns what is not.

        Ingress rules that a proxy rejects are left out, so that the others serve.
        """
        unready = await self._fleet.wait_ready()
        if not await self.wait_synced():
            return unready
        rules = await leave_out_rejected(self.mesh, self.plane.change)
        return (*unready, *map(str, rules), *await self.wait_synced())

    async def wait_synced(self) -> tuple[str, ...]:
        """Until every connected proxy has settled on what it should have. Returns rejections.

        A proxy that is away is not waited for: it catches up when it is back.
        """
        statuses = await self.plane.wait_synced()
        return tuple(rejection for s in statuses.values() for rejection in rejected(s))

    async def start_workload(self, name: ObjectName) -> None:
        """Start (again) a workload of the mesh. It receives requests once it is ready."""
        workload = self.mesh.workloads_by_name[name]
        await self._fleet.start_workload(workload, self.plane.placements)

    async def stop_workload(self, name: ObjectName) -> None:
        """Take the workload out of every proxy's endpoints, then stop it: costs no request."""
        self.plane.set_ready(name, False)
        await self._drain()
        await self._fleet.stop_workload(name)

    async def restart_proxy(self, node: str) -> None:
        """Restart an Envoy hot, for a new binary or new limits: costs no request.

        Raises ``KeyError`` for an unknown node, ``Unstartable`` when the new process does not take
        over; then the old one serves on.
        """
        await self._fleet.restart_proxy(node)

    async def change(self, mesh: Mesh) -> Change:
        """Bring ``mesh`` (valid) into force without costing a request, or refuse it whole.

        Raises ``PortUnavailable`` and what else starting a process raises, with nothing changed;
        a workload whose successor does not become ready refuses the change, too.
        """
        before = self.plane.placements
        placements = self._places.place(mesh, before)
        old = self.mesh
        started: list[ObjectName] = []
        successors: dict[ObjectName, ObjectName] = {}
        try:
            self.plane.place(_both(before, placements))
            await self._fleet.start_proxies(placements)
            for workload in mesh.workloads:
                known = old.workloads_by_name.get(workload.name)
                if known is None:
                    started.append(workload.name)
                    await self._fleet.start_workload(workload, placements)
                elif _process(known) != _process(workload):
                    moved = self._move(workload, placements, before)
                    successors[workload.name] = await self._fleet.start_successor(workload, moved)
                    placements = moved
            change = await self.plane.change(mesh)
        except BaseException:
            await self._take_back(old, before, placements, started, successors)
            raise
        if not change.applied:
            await self._take_back(old, before, placements, started, successors)
            return change
        await self._settle(old, mesh, placements, successors)
        return change

    def _move(self, workload: Workload, placements: Placements, before: Placements) -> Placements:
        name = workload.name
        placed = self._places.move(workload, placements.sidecars[name], before.sidecars[name])
        return replace(placements, sidecars={**placements.sidecars, workload.name: placed})

    async def _settle(
        self,
        old: Mesh,
        new: Mesh,
        placements: Placements,
        successors: Mapping[ObjectName, ObjectName],
    ) -> None:
        """After the switch: requests go to successors, then what is not used any more stops."""
        before = self.plane.placements
        self.plane.place(placements)
        self.plane.publish()
        await self._drain()
        for name, successor in successors.items():
            await self._fleet.succeed(name, successor)
        for workload in old.workloads:
            if workload.name not in new.workloads_by_name:
                self.plane.set_ready(workload.name, False)  # it may come back one day
                await self._fleet.stop_workload(workload.name)
        await self._stop_proxies(_nodes(old) - _nodes(new))
        self._places.forget_gone(before, placements)

    async def _take_back(
        self,
        old: Mesh,
        before: Placements,
        tried: Placements,
        started: list[ObjectName],
        successors: Mapping[ObjectName, ObjectName],
    ) -> None:
        for name in started:
            self.plane.set_ready(name, False)
        await self._drain()  # what was started may have been sent requests already
        self.plane.place(before)
        self.plane.publish()
        for name in started:
            await self._fleet.stop_workload(name)
        for successor in successors.values():
            await self._fleet.stop_successor(successor)
        await self._stop_proxies(self._fleet.nodes - _nodes(old))
        await self.wait_synced()  # until nobody listens on what is forgotten
        self._places.forget_gone(tried, before)

    async def _drain(self) -> None:
        """Until no proxy sends anything any more to what was just taken out of its endpoints.

        An acknowledgement is the proxy's main thread's; its workers follow a moment later.
        """
        await self.wait_synced()
        await asyncio.sleep(self._settings.drain_seconds)

    async def _stop_proxies(self, nodes: frozenset[str]) -> None:
        for node in sorted(nodes):
            await self._fleet.stop_proxy(node)

    def _runner_event(self, event: events.Event) -> None:
        self._fleet.observe(event)
        self._on_event(event)

    def _proxy_changed(self, node: str) -> None:
        for resource in self._roster.status(node).resources:
            key = (node, resource.type_url, resource.name, resource.sent)
            if resource.verdict is Verdict.REJECTED and key not in self._rejected:
                self._rejected.add(key)
                subject = events.ProxyInstance(node)
                self._on_event(
                    events.Rejected(subject, resource.type_url, resource.name, resource.error)
                )


def _both(first: Placements, second: Placements) -> Placements:
    """The places of both at once; where both know one, that of ``first``."""
    sidecars = {**second.sidecars, **first.sidecars}
    for name in second.sidecars.keys() & first.sidecars.keys():
        one, other = first.sidecars[name], second.sidecars[name]
        sidecars[name] = replace(
            one,
            inbound={**other.inbound, **one.inbound},
            application={**other.application, **one.application},
        )
    gateways = {**second.gateways, **first.gateways}
    for name in second.gateways.keys() & first.gateways.keys():
        listeners = {**second.gateways[name].listeners, **first.gateways[name].listeners}
        gateways[name] = replace(first.gateways[name], listeners=listeners)
    return replace(second, sidecars=sidecars, gateways=gateways)


def _process(workload: Workload) -> Workload:
    """What of a workload a running process depends on: not which lanes select it."""
    return replace(workload, labels={})


def _nodes(mesh: Mesh) -> frozenset[str]:
    gateways = {names.gateway_node(gateway.name) for gateway in mesh.gateways}
    return frozenset(gateways | {names.sidecar_node(w.name) for w in mesh.workloads})
