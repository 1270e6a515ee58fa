"""A whole mesh on this machine: the xds and runner adapters joined to the control plane.

The order of a start: ports, snapshots, the xDS server, proxies, workloads. Readiness flows from
the runner through the control plane to the proxies; an orderly stop goes the other way round.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from laneway.adapters.runner import events
from laneway.adapters.runner.binary import find_envoy
from laneway.adapters.runner.bootstraps import bootstrap
from laneway.adapters.runner.errors import RunnerError
from laneway.adapters.runner.ports import Ports
from laneway.adapters.runner.proxies import Proxy
from laneway.adapters.runner.runner import Runner
from laneway.adapters.runner.supervisors import Supervisor
from laneway.adapters.xds.roster import Roster
from laneway.adapters.xds.server import XdsServer
from laneway.compile.envoy import names
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.envoy.snapshots import emit
from laneway.control.plane import Plane, rejected
from laneway.control.ports import ProxyStatus, Verdict
from laneway.filter import module_path
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.wiring.placing import place, sidecar_addresses


@dataclass(frozen=True, slots=True)
class Settings:
    """``run_dir`` None makes a private one and removes it at the end. ``concurrency`` is the
    number of worker threads of each Envoy. ``free_gateway_ports`` ignores declared ports.
    ``explain`` is what callers send as ``x-laneway-explain`` to be told how they are routed."""

    run_dir: Path | None = None
    log_dir: Path | None = None
    envoy: Path | None = None
    concurrency: int = 2
    free_gateway_ports: bool = False
    explain: str | None = None
    access_log: bool = False
    counters: bool = False


@dataclass(frozen=True, slots=True)
class Rejected(events.Event):
    """A proxy refused a resource and goes on with the version before. ``error`` is Envoy's text."""

    type_url: str
    resource: str
    error: str

    def __str__(self) -> str:
        return f"rejected {self.type_url.rpartition('.')[2]} {self.resource}: {self.error}"


@dataclass(frozen=True, slots=True)
class WorkloadStatus:
    name: ObjectName
    ready: bool
    pid: int | None


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
        self._mesh = mesh
        self._settings = settings
        self._on_event = on_event
        self._ports = Ports()
        self._roster = Roster(self._proxy_changed)
        options = Options(
            FilterModule(str(module_path())),
            explain=settings.explain,
            access_log="access.log" if settings.access_log else None,
            counters=settings.counters,
        )
        self._plane = Plane(self._roster, self._roster, partial(emit, options=options))
        self._supervisors: dict[events.Subject, Supervisor] = {}
        self._rejected: set[tuple[str, str, str, str]] = set()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        envoy = find_envoy(self._settings.envoy)
        async with AsyncExitStack() as stack:
            self._runner = await stack.enter_async_context(
                Runner(
                    envoy,
                    self._runner_event,
                    run_dir=self._settings.run_dir,
                    log_dir=self._settings.log_dir,
                )
            )
            stack.callback(self._ports.close)
            placements = place(
                self._mesh, self._ports, free_gateway_ports=self._settings.free_gateway_ports
            )
            self._socket = self._runner.run_dir / "xds.sock"
            await stack.enter_async_context(XdsServer(self._roster, f"unix:{self._socket}"))
            stack.push_async_callback(self._runner.aclose)
            self._plane.place(placements)
            await self._plane.change(self._mesh)
            await self._start_proxies()
            for workload in self._mesh.workloads:
                await self.start_workload(workload.name)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def mesh(self) -> Mesh:
        return self._mesh

    @property
    def log_dir(self) -> Path:
        return self._runner.log_dir

    @property
    def plane(self) -> Plane:
        return self._plane

    def gateway_urls(self) -> Mapping[ObjectName, Mapping[int, str]]:
        """Gateway -> declared port -> where it really listens, as a URL."""
        return {
            name: {port: f"http://{address}" for port, address in placement.listeners.items()}
            for name, placement in self._plane.placements.gateways.items()
        }

    def proxies(self) -> tuple[ProxyStatus, ...]:
        return tuple(self._roster.status(node) for node in sorted(self._plane.nodes))

    def workloads(self) -> tuple[WorkloadStatus, ...]:
        return tuple(
            WorkloadStatus(workload.name, supervisor.ready, supervisor.pid)
            for workload in self._mesh.workloads
            if (supervisor := self._supervisors.get(_workload_subject(workload.name)))
        )

    def proxy_pid(self, node: str) -> int | None:
        return self._supervisors[events.Subject(node, events.Kind.PROXY)].pid

    async def wait_ready(self) -> tuple[str, ...]:
        """Until every proxy and workload is ready, and every proxy knows. Returns what is not."""
        waits = (supervisor.wait_ready() for supervisor in list(self._supervisors.values()))
        results = await asyncio.gather(*waits, return_exceptions=True)
        problems = [result for result in results if isinstance(result, BaseException)]
        for problem in problems:
            if not isinstance(problem, RunnerError):
                raise problem
        return (*map(str, problems), *await self.wait_synced())

    async def wait_synced(self) -> tuple[str, ...]:
        """Until every connected proxy has settled on what it should have. Returns rejections.

        A proxy that is away is not waited for: it catches up when it is back.
        """
        statuses = await self._plane.wait_synced()
        return tuple(rejection for s in statuses.values() for rejection in rejected(s))

    async def start_workload(self, name: ObjectName) -> None:
        """Start (again) a workload of the mesh. It receives requests once it is ready."""
        await self._runner.stop_workload(name)
        placement = self._plane.placements.sidecars[name]
        self._ports.release(placement.application.values())
        workload = self._mesh.workloads_by_name[name]
        supervisor = await self._runner.start_workload(workload, placement)
        self._supervisors[supervisor.subject] = supervisor

    async def stop_workload(self, name: ObjectName) -> None:
        """Take the workload out of every proxy's endpoints, then stop it: costs no request."""
        self._plane.set_ready(name, False)
        await self.wait_synced()
        await self._runner.stop_workload(name)
        self._supervisors.pop(_workload_subject(name), None)

    async def _start_proxies(self) -> None:
        placements = self._plane.placements
        for gateway, placed in placements.gateways.items():
            self._ports.release(placed.listeners.values())
            await self._start_proxy(names.gateway_node(gateway), gateway=True)
        for workload, sidecar in placements.sidecars.items():
            self._ports.release(sidecar_addresses(sidecar))
            await self._start_proxy(names.sidecar_node(workload), gateway=False)

    async def _start_proxy(self, node: str, *, gateway: bool) -> None:
        proxy = Proxy(
            node,
            lambda admin: bootstrap(node, self._socket, admin),
            gateway=gateway,
            concurrency=self._settings.concurrency,
        )
        supervisor = await self._runner.start_proxy(proxy)
        self._supervisors[supervisor.subject] = supervisor

    def _runner_event(self, event: events.Event) -> None:
        if event.subject.kind is events.Kind.WORKLOAD:
            namespace, _, name = event.subject.name.partition("/")
            if isinstance(event, events.Ready | events.Unready):
                ready = isinstance(event, events.Ready)
                self._plane.set_ready(ObjectName(namespace, name), ready)
        self._on_event(event)

    def _proxy_changed(self, node: str) -> None:
        for resource in self._roster.status(node).resources:
            key = (node, resource.type_url, resource.name, resource.sent)
            if resource.verdict is Verdict.REJECTED and key not in self._rejected:
                self._rejected.add(key)
                subject = events.Subject(node, events.Kind.PROXY)
                self._on_event(Rejected(subject, resource.type_url, resource.name, resource.error))


def _workload_subject(name: ObjectName) -> events.Subject:
    return events.Subject(str(name), events.Kind.WORKLOAD)
