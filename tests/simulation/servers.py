"""One life of ``laneway serve``: composed as ``wiring.serving`` and ``wiring.embedded`` do it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from starlette.types import ASGIApp
from tests.simulation.event_loop import Process
from tests.simulation.network import Call, Latency
from tests.simulation.runners import SimulatedPorts, SimulatedRunner
from tests.simulation.stores import DiskStore

from laneway.adapters.files.yamls import one_document
from laneway.adapters.http.application import application
from laneway.adapters.http.authentication import Authentication
from laneway.adapters.http.objects import ObjectEndpoints
from laneway.adapters.http.virtual_objects import VirtualEndpoints
from laneway.adapters.http.watches import Watches
from laneway.adapters.runner.errors import RunnerError
from laneway.adapters.runner.ports import Ports
from laneway.adapters.runner.runner import Runner
from laneway.adapters.xds.proxy_registry import ProxyRegistry
from laneway.adapters.xds.server import XdsServer
from laneway.apiserver.lane_status import Proxies, proxies_of
from laneway.apiserver.resources import served
from laneway.apiserver.virtual_resources import CHANGE_SET, Answering
from laneway.compile.envoy.emitter import Emitter
from laneway.compile.envoy.limits import check
from laneway.compile.envoy.options import FilterModule, Options
from laneway.control import events
from laneway.control.control_plane import ControlPlane
from laneway.control.declared import Declarations, Request, Writes
from laneway.control.proxies import ProxyStatus
from laneway.model.lane_lives import active
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.operator.ready_instances import Instances
from laneway.wiring.address_allocation import AddressAllocator, nodes
from laneway.wiring.change_answers import ChangeAnswers
from laneway.wiring.changes import Changes
from laneway.wiring.declared_runtime import DeclaredRuntime, initial
from laneway.wiring.embedded import Embedded
from laneway.wiring.fleets import Fleet
from laneway.wiring.reconciliation import Reconciliation
from laneway.wiring.rollouts import Site
from laneway.wiring.stored_declarations import STORE, declared_at_start
from laneway.wiring.terminations import Terminations
from laneway.wiring.whole_changes import WholeChanges
from laneway.wiring.workload_instances import WorkloadInstances

OPTIONS = Options(FilterModule("/lanes.so", native=True))
_SERVED = served()

Now = Callable[[], datetime]
Report = Callable[[str], None]


class RunningMesh:
    """What ``Embedded`` is, on doubles of sockets and processes."""

    def __init__(self, runner: SimulatedRunner, wake: Callable[[], None]) -> None:
        self.runner = runner
        self.workloads = WorkloadInstances()
        self._wake = wake
        self.registry = ProxyRegistry(lambda node: wake())
        self.control_plane = ControlPlane(self.registry, self.registry, Emitter(OPTIONS))
        allocator = AddressAllocator(cast(Ports, SimulatedPorts()), free_gateway_ports=True)
        self.fleet = Fleet(
            cast(Runner, runner), allocator, Path("xds"), 1, self.control_plane.set_ready
        )
        runner.on_event = self._heard
        self.terminations = Terminations(self.control_plane, self.fleet, allocator)
        self.changes = Changes(Site(self.control_plane, self.fleet, allocator, self.terminations))

    async def begin(self, declared: Request, clock: Callable[[], float], now: Now) -> None:
        state = initial(declared, check)
        await self.changes.begin(active(state.mesh, now()))
        runtime = DeclaredRuntime(self.control_plane, self.changes)
        self.declarations = Declarations(state, runtime, check, clock, now)

    @property
    def mesh(self) -> Mesh:
        return self.control_plane.mesh

    def is_ready(self, workload: ObjectName) -> bool:
        return self.fleet.is_ready(workload)

    def statuses(self) -> tuple[ProxyStatus, ...]:
        return tuple(
            self.registry.status(node) for node in sorted(nodes(self.control_plane.placements))
        )

    def proxies(self) -> Proxies:
        return proxies_of(self.statuses(), self.control_plane.is_behind)

    def instances(self, lane: Lane) -> tuple[Instances, ...]:
        return self.workloads.of(lane, cast(Embedded, self))

    def _heard(self, event: events.Event) -> None:
        self.fleet.observe(event)
        self.workloads.hear(event)
        self._wake()


class Server:
    """``api`` answers from when ``start`` has returned."""

    def __init__(
        self,
        process: Process,
        store: DiskStore,
        make_runner: Callable[[Process], SimulatedRunner],
        clock: Callable[[], float],
        now: Now,
        report: Report,
    ) -> None:
        self.process = process
        self.store = store
        self._make_runner = make_runner
        self._clock = clock
        self._now = now
        self._report = report
        self._reconciliation: Reconciliation | None = None
        self.mesh = RunningMesh(make_runner(process), self._wake)
        self._xds = XdsServer(self.mesh.registry, "unix:/laneway/xds.sock")
        self.api: ASGIApp | None = None

    async def start(self) -> None:
        whole = await self._start_mesh()
        mesh = self.mesh
        self._reconciliation = Reconciliation(
            self.store,
            mesh.declarations,
            mesh.proxies,
            mesh.instances,
            self._now,
            self._report,
            started=whole,
        )
        self.process.spawn(self._reconciliation.run())
        self.api = self._application(self._reconciliation)

    def accept(self, latency: Latency) -> Call:
        """A proxy opens a call."""
        call = Call(latency)
        context = cast(Any, call)
        call.handler = self.process.spawn(self._xds.deltas(None, context))
        call.handler.add_done_callback(call.ended)
        return call

    async def _start_mesh(self) -> bool:
        try:
            await self.mesh.begin(declared_at_start(self.store.objects), self._clock, self._now)
        except RunnerError as error:
            self._report(f"not everything can be started: {error}")
            self.mesh.runner.kill_all()
            self.mesh = RunningMesh(self._make_runner(self.process), self._wake)
            self._xds = XdsServer(self.mesh.registry, "unix:/laneway/xds.sock")
            await self.mesh.begin(Writes(STORE, ()), self._clock, self._now)
            return False
        return True

    def _application(self, reconciliation: Reconciliation) -> ASGIApp:
        numbers = itertools.count(self.store.latest)

        def uid() -> str:
            return f"uid-{self.process.name}-{next(numbers)}"

        whole = WholeChanges(
            self.store, self.mesh.declarations, reconciliation, check, _SERVED, self._now
        )
        changes = ChangeAnswers(self.store, self.mesh.declarations, whole, _SERVED, self._now, uid)
        answering = Answering({CHANGE_SET.plural: changes.change_set}, {})
        virtual = VirtualEndpoints((CHANGE_SET,), answering, {}, one_document, self._now)
        objects = ObjectEndpoints(self.store, Watches(self.store), self._now, uid, one_document)
        routes = application(_SERVED, objects, "simulated", virtual.routes, (CHANGE_SET,))
        return Authentication(routes, {}, "jack", (), self._now)

    def _wake(self) -> None:
        if self._reconciliation is not None:
            self._reconciliation.wake()
