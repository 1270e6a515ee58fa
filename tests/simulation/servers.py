"""One program of ``laneway serve``, composed as ``wiring.serving`` and ``wiring.embedded`` are."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from starlette.types import ASGIApp
from tests.simulation.event_loop import NOBODY, Process
from tests.simulation.network import Broken, Call, Latency
from tests.simulation.runners import SimulatedPorts, SimulatedRunner
from tests.simulation.stores import DiskStore
from tests.simulation.weather import Weather

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
from laneway.apiserver.virtual_resources import CHANGE_SET, PROMOTION, ROLLBACK, Answering
from laneway.compile.envoy.emitter import Emitter
from laneway.compile.envoy.limits import check
from laneway.compile.envoy.options import FilterModule, Options
from laneway.control import events
from laneway.control.compaction import HistoryBounds
from laneway.control.control_plane import ControlPlane
from laneway.control.declared import (
    Declarations,
    DeclaredState,
    NotProgrammed,
    Request,
    Writes,
)
from laneway.control.proxies import ProxyStatus
from laneway.model.lane_lives import active
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.operator.ready_instances import Instances
from laneway.wiring.address_allocation import AddressAllocator, nodes
from laneway.wiring.change_answers import ChangeAnswers
from laneway.wiring.changes import Changes
from laneway.wiring.compactions import compact_regularly
from laneway.wiring.declared_runtime import DeclaredRuntime, initial
from laneway.wiring.embedded import Embedded
from laneway.wiring.fleets import Fleet
from laneway.wiring.handover import RunningMesh
from laneway.wiring.lane_expiry import follow_expiry
from laneway.wiring.quiescence import quiescent
from laneway.wiring.reconciliation import Reconciliation
from laneway.wiring.recorded_meshes import mesh_of_recorded, recorded
from laneway.wiring.resumption import Resumption
from laneway.wiring.rollouts import Site
from laneway.wiring.stored_declarations import STORE, declared_at_start
from laneway.wiring.terminations import Terminations
from laneway.wiring.whole_changes import WholeChanges
from laneway.wiring.workload_instances import WorkloadInstances

OPTIONS = Options(FilterModule("/lanes.so", native=True))
_SERVED = served()
#: Virtual seconds: for answers before a reload, and between compactions.
_ANSWERING, _COMPACTING = 20.0, 3.0

Now = Callable[[], datetime]
Report = Callable[[str], None]


class SimulatedMesh:
    """What ``Embedded`` is, on doubles of sockets and processes. ``module`` is the lane filter."""

    def __init__(self, runner: SimulatedRunner, wake: Callable[[], None], module: str) -> None:
        self.runner = runner
        self.module = module
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
        self.resumption = Resumption(
            self.registry, self.control_plane, self.fleet, runner.generation, lambda event: None
        )

    async def begin(self, declared: Request, clock: Callable[[], float], now: Now) -> None:
        state = initial(declared, check)
        await self.changes.begin(active(state.mesh, now()))
        self._declare(state, clock, now)

    async def resume(
        self, running: RunningMesh, declared: Request, clock: Callable[[], float], now: Now
    ) -> None:
        before = mesh_of_recorded(running.objects)
        state = initial(declared, check, before)
        await self.resumption.begin(running, before, self.module, self.changes)
        self._declare(state, clock, now)

    def hand_over(self) -> RunningMesh:
        placements = self.control_plane.placements
        return RunningMesh(
            recorded(self.mesh),
            tuple(placements.sidecars.values()),
            tuple(placements.gateways.values()),
            self.fleet.instances,
            self.fleet.tokens,
            (),
            cast(Any, None),
            self.module,
        )

    @asynccontextmanager
    async def unchanging(self) -> AsyncIterator[None]:
        async with self.changes.none_under_way():
            await self.runner.wait_alone()
            yield

    def check_recordable(self) -> None:
        placed = nodes(self.control_plane.placements)
        assert mesh_of_recorded(recorded(self.mesh)) == self.mesh
        assert self.fleet.nodes == placed, f"{self.fleet.nodes} run, and not {placed}"

    def _declare(self, state: DeclaredState, clock: Callable[[], float], now: Now) -> None:
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


@dataclass(frozen=True)
class Record:
    """What one program hands over to the next."""

    mesh: RunningMesh
    runner: SimulatedRunner
    problems: Mapping[ObjectName, str]


@dataclass(frozen=True)
class Machine:
    """What a program finds on the machine. ``finish`` waits, for so many seconds, until clients
    have their answers; ``make_runner`` makes a runner, after the one before it."""

    clock: Callable[[], float]
    now: Now
    report: Report
    make_runner: Callable[[Process, SimulatedRunner | None], SimulatedRunner]
    finish: Callable[[float], Awaitable[None]]
    weather: Weather


class Server:
    """``api`` answers from when ``start`` has returned."""

    def __init__(
        self,
        process: Process,
        store: DiskStore,
        machine: Machine,
        module: str,
        taken_over: Record | None = None,
    ) -> None:
        self.process = process
        self.store = store
        self.module = module
        #: Clients can connect, and are not accepted.
        self.is_reloading = taken_over is not None
        self.api: ASGIApp | None = None
        self._machine = machine
        self._taken_over = taken_over
        self._reconciliation: Reconciliation | None = None
        self._following: list[asyncio.Task[Any]] = []
        self._calls: dict[asyncio.Task[Any], None] = {}
        self._listens = taken_over is None
        self.mesh = self._new_mesh(taken_over.runner if taken_over else None)
        if taken_over is not None:
            self.mesh.workloads = WorkloadInstances(taken_over.problems)

    async def start(self) -> None:
        whole = await self._start_mesh()
        mesh = self.mesh
        self._reconciliation = Reconciliation(
            self.store,
            mesh.declarations,
            mesh.proxies,
            mesh.instances,
            self._machine.now,
            self._machine.report,
            started=whole,
        )
        self.follow()
        await self.open_api(None)

    async def hand_over(self, seconds: float) -> Record:
        """Raises ``NotHandedOver``."""
        async with quiescent(self, seconds):
            self._listens = False
            while self._calls:
                for call in self._calls:
                    call.cancel()
                await asyncio.wait(self._calls)
            await self.store.close()
            return Record(self.mesh.hand_over(), self.mesh.runner, self.mesh.workloads.problems())

    def accept(self, latency: Latency) -> Call:
        """A proxy opens a call. Raises ``Broken``."""
        if not self._listens:
            raise Broken
        call = Call(latency)
        handler = call.handler = self.process.spawn(self._xds.deltas(cast(Any, call)))
        self._calls[handler] = None
        handler.add_done_callback(self._calls.pop, context=NOBODY.copy())
        handler.add_done_callback(call.ended, context=NOBODY.copy())
        return call

    # ``Replaceable``

    def unchanging(self) -> AbstractAsyncContextManager[None]:
        return self.mesh.unchanging()

    def check_recordable(self) -> None:
        self.mesh.check_recordable()

    async def close_api(self) -> None:
        self.is_reloading, self.api = True, None
        self._watches.close()
        await self._machine.finish(_ANSWERING)

    async def open_api(self, listening: None) -> None:
        assert self._reconciliation is not None
        self.api = self._application(self._reconciliation)
        self.is_reloading = False

    async def caught_up(self) -> None:
        assert self._reconciliation is not None
        await self._reconciliation.caught_up()

    async def stop_following(self) -> None:
        while self._following:
            task = self._following.pop()
            task.cancel()
            await asyncio.wait([task])

    def follow(self) -> None:
        assert self._reconciliation is not None
        machine, declarations = self._machine, self.mesh.declarations
        first = (self._become_declared,) if self._taken_over else ()
        following = [
            self._reconciliation.run(*first),
            follow_expiry(
                lambda: declarations.state.mesh, self._renew, declarations.changed, machine.now
            ),
        ]
        if machine.weather.history:
            bounds = HistoryBounds.last(machine.weather.history)
            following.append(
                compact_regularly(self.store, bounds, machine.now, machine.report, _COMPACTING)
            )
        self._following = [self.process.spawn(each) for each in following]

    async def _become_declared(self) -> None:
        await self.mesh.resumption.wait_reconnected()
        outcome = await self.mesh.declarations.take_over()
        if isinstance(outcome, NotProgrammed):
            self._machine.report(f"the mesh stays as it was before: {outcome}")

    async def _renew(self) -> bool:
        outcome = await self.mesh.declarations.renew()
        self._wake()
        return not isinstance(outcome, NotProgrammed)

    def _new_mesh(self, before: SimulatedRunner | None = None) -> SimulatedMesh:
        runner = self._machine.make_runner(self.process, before)
        mesh = SimulatedMesh(runner, self._wake, self.module)
        self._xds = XdsServer(mesh.registry, "unix:/laneway/xds.sock")
        return mesh

    async def _start_mesh(self) -> bool:
        clock, now = self._machine.clock, self._machine.now
        declared = declared_at_start(self.store.objects)
        if self._taken_over is not None:
            await self.mesh.resume(self._taken_over.mesh, declared, clock, now)
            self._listens = True
            return True
        try:
            await self.mesh.begin(declared, clock, now)
        except RunnerError as error:
            self._machine.report(f"not everything can be started: {error}")
            self.mesh.runner.kill_all()
            self.mesh = self._new_mesh()
            await self.mesh.begin(Writes(STORE, ()), clock, now)
            return False
        return True

    def _application(self, reconciliation: Reconciliation) -> ASGIApp:
        numbers = itertools.count(self.store.latest)
        now, weather = self._machine.now, self._machine.weather

        def uid() -> str:
            return f"uid-{self.process.name}-{next(numbers)}"

        whole = WholeChanges(
            self.store, self.mesh.declarations, reconciliation, check, _SERVED, now
        )
        changes = ChangeAnswers(self.store, self.mesh.declarations, whole, _SERVED, now, uid)
        answering = Answering(
            {
                CHANGE_SET.plural: changes.change_set,
                PROMOTION.plural: changes.promotion,
                ROLLBACK.plural: changes.rollback,
            },
            {},
        )
        kinds = (CHANGE_SET, PROMOTION, ROLLBACK)
        virtual = VirtualEndpoints(kinds, answering, {}, one_document, now)
        self._watches = Watches(self.store, weather.kept_events, waiting=weather.waiting_events)
        objects = ObjectEndpoints(self.store, self._watches, now, uid, one_document)
        routes = application(_SERVED, objects, "simulated", virtual.routes, kinds)
        return Authentication(routes, {}, "jack", (), now)

    def _wake(self) -> None:
        if self._reconciliation is not None:
            self._reconciliation.wake()
