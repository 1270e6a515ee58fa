"""A whole mesh on this machine: joins the xds and runner adapters to the control plane.

The order of a start is: ports, snapshots, the xDS server, proxies, workloads. Readiness flows from
the runner through the control plane to the proxies. A stop goes in the opposite order. All sources
declare objects in ``declarations``. ``changes`` start and stop processes, one change after another.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from laneway.adapters.runner.admin import AdminUnreachable
from laneway.adapters.runner.binary import find_envoy
from laneway.adapters.runner.ports import Ports
from laneway.adapters.runner.runner import Runner
from laneway.adapters.xds.proxy_registry import ProxyRegistry
from laneway.adapters.xds.server import XdsServer
from laneway.compile.envoy import call_statistics, lane_statistics
from laneway.compile.envoy.emitter import Emitter
from laneway.compile.envoy.limits import check
from laneway.compile.envoy.objects_at_fault import objects_at_fault
from laneway.compile.envoy.options import Options
from laneway.control import events
from laneway.control.control_plane import Change, ControlPlane, rejected
from laneway.control.declared import Declarations, Principal, Request
from laneway.control.proxies import ProxyStatus, ResourceStatus, Verdict
from laneway.model.lane_lives import active
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.wiring.address_allocation import AddressAllocator, nodes
from laneway.wiring.changes import Changes
from laneway.wiring.declared_runtime import PROGRAM, DeclaredRuntime, change_of, initial, whole
from laneway.wiring.filter_modules import choose_module, identity
from laneway.wiring.fleets import Fleet, WorkloadStatus
from laneway.wiring.handover import NotHandedOver, RunningMesh
from laneway.wiring.lane_expiry import utc_now
from laneway.wiring.lane_traffic import ProxyFigures
from laneway.wiring.recorded_meshes import mesh_of_recorded, recorded
from laneway.wiring.resumption import Resumption
from laneway.wiring.rollouts import Site
from laneway.wiring.terminations import Terminations

#: The file of a proxy's access log, in the proxy's folder.
ACCESS_LOG = "access.log"


@dataclass(frozen=True, slots=True)
class Settings:
    """``run_dir`` None makes a private one and removes it at the end. ``concurrency`` is the
    number of worker threads of each Envoy. ``free_gateway_ports`` ignores declared ports.
    ``explain`` is what callers send as ``x-laneway-explain`` to be told how they are routed.
    ``logged_headers`` of requests are in the access log."""

    run_dir: Path | None = None
    log_dir: Path | None = None
    envoy: Path | None = None
    concurrency: int = 2
    free_gateway_ports: bool = False
    explain: str | None = None
    access_log: bool = False
    logged_headers: Sequence[str] = ()


class Embedded:
    """Use it as an async context manager: inside the block everything runs.

    ``mesh`` is what a program declares, or any other source by a change set. Entering raises
    ``InvalidInput``, and ``RunnerError`` (or ``OSError``) when something cannot be started at all;
    what was started by then is stopped again. Whether workloads become ready is ``wait_ready``'s to
    say. ``now`` tells which lanes have expired; to follow that is the caller's task, by
    ``wiring.lane_expiry``. ``on_proxy`` is called with the node id of a proxy
    that connected, left, acknowledged all that it should have, or rejected some of it.

    ``running`` is a mesh that the program before this one handed over. It goes on as it is.
    ``renew`` of ``declarations`` then makes it what is declared.
    """

    def __init__(
        self,
        mesh: Mesh | Request,
        settings: Settings = Settings(),
        on_event: Callable[[events.Event], None] = lambda event: None,
        now: Callable[[], datetime] = utc_now,
        on_proxy: Callable[[str], None] = lambda node: None,
        running: RunningMesh | None = None,
    ) -> None:
        self._now = now
        self._running = running
        self._initial = whole(mesh) if isinstance(mesh, Mesh) else mesh
        self._settings = settings
        self._on_event = on_event
        self._on_proxy = on_proxy
        self._registry = ProxyRegistry(self._proxy_changed)
        self._rejected: set[tuple[str, str, str, str]] = set()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        settings, running = self._settings, self._running
        active_before = mesh_of_recorded(running.objects) if running else Mesh()
        state = initial(self._initial, check, active_before)
        async with AsyncExitStack() as stack:
            ports = self._ports = Ports(reserved=running.ports if running else ())
            stack.callback(ports.close)
            allocator = AddressAllocator(ports, free_gateway_ports=settings.free_gateway_ports)
            envoy = find_envoy(settings.envoy)
            module = await choose_module(envoy, self._on_event)
            self._module = identity(module)
            options = Options(
                module,
                explain=settings.explain,
                access_log=ACCESS_LOG if settings.access_log else None,
                logged_headers=settings.logged_headers,
            )
            self.control_plane = ControlPlane(self._registry, self._registry, Emitter(options))
            runner = self._runner = await stack.enter_async_context(
                Runner(
                    envoy,
                    self._runner_event,
                    run_dir=settings.run_dir,
                    log_dir=settings.log_dir,
                    running=running.runner if running else None,
                )
            )
            self.run_dir, self.log_dir = runner.run_dir, runner.log_dir
            socket = runner.run_dir / "xds.sock"
            fleet = self._fleet = Fleet(
                runner, allocator, socket, settings.concurrency, self.control_plane.set_ready
            )
            self._terminations = Terminations(self.control_plane, fleet, allocator)
            self._changes = Changes(Site(self.control_plane, fleet, allocator, self._terminations))
            self._resumption = Resumption(
                self._registry, self.control_plane, fleet, runner.generation, self._on_event
            )
            self._server = XdsServer(self._registry, f"unix:{socket}", fleet.tokens)
            if running:
                # Before the server: none of the proxies may connect as an unknown one.
                await self._resumption.begin(running, active_before, self._module, self._changes)
                stack.callback(self._resumption.cancel)
            await stack.enter_async_context(self._server)
            stack.push_async_callback(self._close)  # before the server goes
            if not running:
                await self._changes.begin(active(state.mesh, self._now()))
            runtime = DeclaredRuntime(self.control_plane, self._changes)
            self._declarations = Declarations(state, runtime, check, time.monotonic, self._now)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def mesh(self) -> Mesh:
        return self.control_plane.mesh

    def gateway_urls(self) -> Mapping[ObjectName, Mapping[int, str]]:
        """Gateway -> declared port -> where it really listens, as a URL."""
        return {
            name: {port: f"http://{address}" for port, address in placement.listeners.items()}
            for name, placement in self.control_plane.placements.gateways.items()
        }

    def proxies(self) -> tuple[ProxyStatus, ...]:
        """Those of the mesh: not those that are terminating."""
        return tuple(
            self._registry.status(node) for node in sorted(nodes(self.control_plane.placements))
        )

    def workloads(self) -> tuple[WorkloadStatus, ...]:
        return tuple(self._fleet.workloads(self.mesh))

    def is_ready(self, workload: ObjectName) -> bool:
        """Whether its process and its sidecar are; false for one that is not in the mesh."""
        return self._fleet.is_ready(workload)

    def proxy_pid(self, node: str) -> int | None:
        return self._fleet.proxy_pid(node)

    def proxy_is_ready(self, node: str) -> bool:
        return self._fleet.proxy_is_ready(node)

    def proxy_restarts(self, node: str) -> int:
        return self._fleet.proxy_restarts(node)

    def log_path(self, subject: events.Subject) -> Path:
        """Where the output of a workload or proxy is kept; at a limit, it goes on in a new file."""
        return self._runner.log_path(subject)

    def access_log_path(self, node: str) -> Path | None:
        """None where proxies write none: see ``Settings.access_log``."""
        return self._runner.proxy_file(node, ACCESS_LOG) if self._settings.access_log else None

    @property
    def logged_headers(self) -> Sequence[str]:
        return self._settings.logged_headers

    async def proxy_admin(self, node: str, target: str) -> bytes:
        """What the proxy's admin interface answers. Raises ``KeyError``, ``AdminUnreachable``."""
        return await self._runner.admin(node).get(target)

    async def figures(self, node: str) -> ProxyFigures:
        """What a proxy has counted of the requests that it sent on.

        Raises ``KeyError``, and ``AdminUnreachable`` also where another process took over.
        """
        admin, process = self._runner.admin(node), self.proxy_pid(node)
        # Workers hand in their histograms after a flush, which each query asks for.
        calls = (await admin.get(call_statistics.QUERY)).decode()
        lanes = (await admin.get(lane_statistics.QUERY)).decode()
        if process is None or self.proxy_pid(node) != process:
            raise AdminUnreachable(f"{node} has been replaced meanwhile")
        return ProxyFigures(
            process,
            lane_statistics.readings(lanes),
            call_statistics.readings(calls),
            self._fleet.application_pid(node),
        )

    async def lane_counts(self, node: str) -> Mapping[tuple[str, str, str], int]:
        """The number of requests alone, by (service, lane, served lane). Raises as ``figures``
        does."""
        lanes = (await self.figures(node)).lanes
        return {(p.service, p.lane, p.served): each.requests for p, each in lanes.items()}

    async def wait_ready(self) -> tuple[str, ...]:
        """Until every proxy and workload is ready, and every proxy knows. Returns what is not.

        Ingress rules that a proxy rejects are left out, so that the others serve.
        """
        unready = await self._fleet.wait_ready()
        if not await self.wait_synced():
            return unready
        rules = await self._changes.leave_out_rejected()
        return (*unready, *map(str, rules), *await self.wait_synced())

    async def wait_synced(self) -> tuple[str, ...]:
        """Until every connected proxy has settled on what it should have. Returns rejections.

        A proxy that is away is not waited for: it catches up when it is back.
        """
        statuses = await self.control_plane.wait_synced()
        return tuple(rejection for s in statuses.values() for rejection in rejected(s))

    async def start_workload(self, name: ObjectName) -> None:
        """Start (again) a workload of the mesh. It receives requests once it is ready.

        One that serves is replaced without costing a request. Raises ``KeyError``, and what
        starting a process raises; a new process that does not become ready leaves the old one.
        """
        await self._changes.start(name)

    async def stop_workload(self, name: ObjectName) -> None:
        """Take the workload out of every proxy's endpoints, which ends the call; its process ends
        when what is inside it is answered: see ``terminating``."""
        await self._changes.stop(name)

    async def restart_proxy(self, node: str) -> None:
        """Restart an Envoy hot, for a new binary or new limits: costs no request.

        Waits until the process before an earlier restart has ended; changes may be made meanwhile.
        Raises ``KeyError`` for an unknown node, ``Unstartable`` when the new process does not take
        over; then the old one serves on.
        """
        await self._changes.restart_proxy(node)

    @property
    def declarations(self) -> Declarations:
        """What every source declares of this mesh. Sources apply their changes here."""
        return self._declarations

    async def change(self, mesh: Mesh) -> Change:
        """Declare this mesh (valid) instead of the program's one before, or refuse it whole.

        Costs no request. One change is made after another. It ends when every proxy has
        acknowledged; processes and proxies that are gone end by themselves, when what is inside
        them is answered. Raises ``PortUnavailable`` and what else starting a process raises, with
        nothing changed; a workload whose successor does not become ready refuses the change, too.
        Where other sources declare objects of this mesh, raises ``DeclarationConflict`` for those
        that they own, and ``InvalidInput`` where they and the mesh are not valid together.
        """
        return change_of(await self._declarations.apply(whole(mesh), Principal(PROGRAM)))

    def terminating(self) -> tuple[ObjectName, ...]:
        """The workloads with a process that receives no new requests and has not ended yet; those
        with several, several times."""
        return tuple(sorted(each.workload.name for each in self._terminations.instances))

    async def wait_terminated(self) -> None:
        """Until nothing is terminating any more."""
        await self._terminations.finish()

    @asynccontextmanager
    async def unchanging(self) -> AsyncIterator[None]:
        """Inside, no change is under way, and no process is terminating. Waits for that."""
        async with self._changes.none_under_way():
            await self._runner.wait_alone()
            yield

    def check_recordable(self) -> None:
        """Raises ``NotHandedOver``."""
        mesh = self.control_plane.mesh
        placed = nodes(self.control_plane.placements)
        if mesh_of_recorded(recorded(mesh)) != mesh or self._fleet.nodes != placed:
            raise NotHandedOver("the running mesh cannot be recorded; restart laneway instead")

    async def disconnect(self) -> None:
        """Ends the streams of all proxies, which go on with what they have."""
        await self._server.stop()

    def hand_over(self) -> RunningMesh:
        """The record for ``running``. Call it inside ``unchanging``, after ``disconnect``. Nothing
        may be waited for until the program is replaced."""
        placements = self.control_plane.placements
        return RunningMesh(
            recorded(self.control_plane.mesh),
            tuple(placements.sidecars.values()),
            tuple(placements.gateways.values()),
            self._fleet.instances,
            self._fleet.tokens,
            self._ports.hand_over(),
            self._runner.hand_over(),
            self._module,
        )

    async def wait_reconnected(self) -> None:
        """Until every proxy that was taken over has connected again and settled, or enough time has
        passed."""
        await self._resumption.wait_reconnected()

    async def _close(self) -> None:
        self._resumption.cancel()
        await self._changes.close()
        await self._terminations.listeners_closed()  # which needs the proxies' word
        await asyncio.gather(self._terminations.finish(), self._runner.aclose())

    def _runner_event(self, event: events.Event) -> None:
        self._fleet.observe(event)
        self._on_event(event)

    def _proxy_changed(self, node: str) -> None:
        for resource in self._registry.status(node).resources:
            key = (node, resource.type_url, resource.name, resource.sent)
            if resource.verdict is Verdict.REJECTED and key not in self._rejected:
                self._rejected.add(key)
                self._on_event(self._rejection(node, resource))
        self._on_proxy(node)

    def _rejection(self, node: str, resource: ResourceStatus) -> events.Rejected:
        control_plane, name, error = self.control_plane, resource.name, resource.error
        objects = objects_at_fault(control_plane.published_mesh, control_plane.mesh, name, error)
        return events.Rejected(events.ProxyInstance(node), resource.type_url, name, error, objects)
