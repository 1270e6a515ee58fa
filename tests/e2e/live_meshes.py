"""A live: real proxies that take one mesh after another, before applications in this process.

Proxies start once for each workload and stay. Between requests a test changes the mesh, who is
ready, and who is dead without anybody knowing; the live tells hop by hop what really happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from tests.e2e.echo_applications import Behaviour, Echo, Failure, Headers, Message, exchange, report

from laneway.compile.envoy.names import gateway_node
from laneway.compile.envoy.visibility import EXPLAIN_HEADER
from laneway.compile.simulate import Applications, Request
from laneway.control import events
from laneway.control.events import Rejected
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Address
from laneway.model.workloads import ReadinessProbe, Workload
from laneway.wiring.embedded import Embedded, Settings

T = TypeVar("T")

# Asked once, when it starts: whether a workload is ready is the test's to say from then on.
_MAY_ASK = "live"
_ONCE = ReadinessProbe(period=86400)


@dataclass(frozen=True, slots=True)
class Seen:
    """One hop as the workload saw it."""

    workload: ObjectName
    port: int
    headers: Headers
    target: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A proxy's own answer, which ended the path."""

    status: int
    headers: Headers
    body: str


@dataclass(frozen=True, slots=True)
class Path:
    """What a request went through, as ``Outcome`` of the simulator, and the answer's headers."""

    hops: tuple[Seen, ...]
    refusal: Refusal | None
    headers: Headers


class LiveMesh:
    """Runs in an event loop of its own, so that ordinary tests can use it step by step."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._echoes: dict[ObjectName, Echo] = {}
        self._dead: frozenset[ObjectName] = frozenset()
        self._applications = Applications()
        self._embedded: Embedded | None = None

    def close(self) -> None:
        if self._embedded:
            self._run(self._embedded.__aexit__(None, None, None))
        self._run(self._close_echoes())
        self._runner.close()

    def adopt(self, mesh: Mesh, applications: Applications) -> None:
        """From now on ``mesh`` is active; everything is ready, and nothing is dead."""
        self._run(self._adopt(mesh, applications))

    def suffer(self, unready: frozenset[ObjectName], dead: frozenset[ObjectName]) -> None:
        """From now on these workloads have no endpoints, and those refuse connections."""
        self._run(self._suffer(unready, dead))

    def ask(self, request: Request, port: int | None = None) -> Path:
        """Send ``request`` to a port of the only gateway, its first unless told."""
        return self._run(self._ask(request, port))

    def fail(self, workload: ObjectName, failures: Iterable[Failure]) -> None:
        """Its next answers, however many are left of those before. Its count begins anew."""
        self._echoes[workload].failures = list(failures)
        self._echoes[workload].taken = 0

    def taken(self, workload: ObjectName) -> int:
        """How many requests it got since then."""
        return self._echoes[workload].taken

    def status(self, request: Request) -> int:
        """The status of the answer, whoever gives it."""
        return self.send(request).status

    def send(self, request: Request) -> Message:
        """The answer itself, whoever gives it."""
        return self._run(self._exchange(request, None))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """In the loop of the rig, for what is to happen beside a change."""
        return self._runner.run(work)

    async def change(self, mesh: Mesh) -> None:
        """As ``adopt``, for workloads that are there already, in ``run``."""
        await self._adopt(mesh, self._applications)

    def gateway_address(self, port: int | None = None) -> Address:
        """Of the only gateway; its first port unless told."""
        assert self._embedded is not None
        (placement,) = self._embedded.control_plane.placements.gateways.values()
        return placement.listeners[port or next(iter(placement.listeners))]

    async def gateway_statistics(self, pattern: str) -> dict[str, int]:
        """Counters and gauges of the gateway's proxy whose names match."""
        assert self._embedded is not None
        (gateway,) = self._embedded.control_plane.placements.gateways
        answer = await self._embedded.proxy_admin(gateway_node(gateway), f"/stats?filter={pattern}")
        pairs = (line.split(": ") for line in answer.decode().splitlines())
        return {name: int(value) for name, value in pairs}

    def pause(self) -> None:
        """Let the proxies' workers do what they were told."""
        self._run(asyncio.sleep(0.05))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    async def _adopt(self, mesh: Mesh, applications: Applications) -> None:
        await self._suffer(frozenset(), frozenset())
        for workload in mesh.workloads:
            if workload.name not in self._echoes:
                await self._start_echo(workload)
        self._applications = applications
        placed = replace(mesh, workloads=tuple(map(self._placed, mesh.workloads)))
        if self._embedded is None:
            settings = Settings(free_gateway_ports=True, concurrency=1, explain=_MAY_ASK)
            self._embedded = Embedded(placed, settings, _no_rejection)
            await self._embedded.__aenter__()
        else:
            change = await self._embedded.change(placed)
            assert change.applied, change.rejections
            assert not change.late
        assert await self._embedded.wait_ready() == ()

    async def _start_echo(self, workload: Workload) -> None:
        name = workload.name

        def behaviour() -> Behaviour:
            return self._behaviour(name)

        def proxy() -> Address:
            assert self._embedded is not None
            return self._embedded.control_plane.placements.sidecars[name].outbound

        echo = Echo(str(name), [port.number for port in workload.ports], behaviour, proxy)
        await echo.start()
        self._echoes[name] = echo

    def _placed(self, workload: Workload) -> Workload:
        address = self._echoes[workload.name].address
        return replace(workload, command=(), env={}, address=address, readiness=_ONCE)

    def _behaviour(self, workload: ObjectName) -> Behaviour:
        assert self._embedded is not None
        mesh = self._embedded.mesh
        labels = mesh.workloads_by_name[workload]
        service = next(s.name for s in mesh.services if labels.is_selected(s.selector))
        calls = [
            f"http://{call.service.host}:{call.port}/"
            for call in self._applications.calls.get(service, ())
        ]
        kept = self._applications.passes_on.get(service, frozenset())
        return Behaviour(calls, frozenset(name.lower() for name in kept))

    async def _suffer(self, unready: frozenset[ObjectName], dead: frozenset[ObjectName]) -> None:
        if self._embedded is None:
            return
        control_plane = self._embedded.control_plane
        # What was dead is ejected by those who met it; as a new endpoint it is forgiven.
        for revived in self._dead:
            await self._echoes[revived].revive()
            control_plane.set_ready(revived, False)
        if self._dead:
            await self._embedded.wait_synced()
        self._dead = dead
        for workload in self._embedded.mesh.workloads:
            control_plane.set_ready(workload.name, workload.name not in unready)
        await self._embedded.wait_synced()
        for name in dead:
            self._echoes[name].die()

    async def _exchange(self, request: Request, port: int | None) -> Message:
        headers = [
            (name, value)
            for name, values in request.headers.items()
            for value in ((values,) if isinstance(values, str) else values)
        ]
        headers.append((EXPLAIN_HEADER, _MAY_ASK))
        return await exchange(
            self.gateway_address(port), request.method, request.path, request.host, headers
        )

    async def _ask(self, request: Request, port: int | None) -> Path:
        response = await self._exchange(request, port)
        answer = report(response)
        hops = tuple(
            Seen(
                ObjectName(*hop["workload"].split("/")), hop["port"], hop["headers"], hop["target"]
            )
            for hop in answer["hops"]
        )
        failure = answer["failure"]
        return Path(hops, Refusal(**failure) if failure else None, response.headers)

    async def _close_echoes(self) -> None:
        for echo in self._echoes.values():
            echo.close()
        await asyncio.sleep(0)


def _no_rejection(event: events.Event) -> None:
    assert not isinstance(event, Rejected), event
