"""A mesh in memory, on the real machinery of ``wiring`` over a runner and proxies in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import cast

from tests.compile.meshes import GATEWAY, name
from tests.wiring.fake_runner import NEVER, REFUSED, FakeRunner, Proxies, emit

from laneway.adapters.runner.ports import Ports
from laneway.adapters.runner.runner import Runner
from laneway.control import events
from laneway.control.control_plane import ControlPlane
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.meshes import Mesh
from laneway.model.services import Service, ServicePort
from laneway.model.workloads import Workload, WorkloadPort
from laneway.wiring.address_allocation import AddressAllocator, addresses, nodes
from laneway.wiring.changes import Changes
from laneway.wiring.fleets import Fleet
from laneway.wiring.rollouts import Site
from laneway.wiring.terminations import Terminations


@dataclass
class Running:
    """A mesh in memory, and what is done to it."""

    site: Site
    runner: FakeRunner
    ports: Ports
    changes: Changes

    async def settled(self) -> None:
        """Nothing ends any more; then exactly what is declared runs, where it is declared."""
        for _ in range(20):  # processes that have just started become ready
            await asyncio.sleep(0)
        await self.site.terminations.finish()
        assert self.runner.problems == []
        control_plane, fleet = self.site.control_plane, self.site.fleet
        placements = control_plane.placements
        assert placements.terminating == ()
        assert placements.sidecars.keys() == control_plane.mesh.workloads_by_name.keys()
        assert placements.gateways.keys() == control_plane.mesh.gateways_by_name.keys()
        proxies = {s.name for s in self.runner.running if isinstance(s, events.ProxyInstance)}
        assert proxies == fleet.nodes == control_plane.nodes == nodes(placements)
        statuses = {status.name: status.ready for status in fleet.workloads(control_plane.mesh)}
        processes = list(self.runner.placed.values())
        assert sorted(p.workload for _, p in processes) == sorted(statuses)
        for _, placed in processes:
            expected = placements.sidecars[placed.workload]
            assert placed.application.items() <= expected.application.items()
        assert placements.ready == {each for each, ready in statuses.items() if ready}
        assert set(self.ports._given) == {each.port for each in addresses(placements)}


@contextmanager
def running(seed: int) -> Iterator[Running]:
    random = Random(seed)
    proxies, ports = Proxies(random), Ports(random)
    runner = FakeRunner(random, proxies)
    control_plane = ControlPlane(proxies, proxies, emit)
    allocator = AddressAllocator(ports, free_gateway_ports=True)
    fleet = Fleet(cast(Runner, runner), allocator, Path("xds"), 1, control_plane.set_ready)
    runner.on_event = fleet.observe
    site = Site(
        control_plane,
        fleet,
        allocator,
        Terminations(control_plane, fleet, allocator, workers_follow=0),
    )
    try:
        yield Running(site, runner, ports, Changes(site))
    finally:
        ports.close()


_LABELS = {"app": "service"}


def workload(which: str, edition: int, port: int = 8000) -> Workload:
    env = {NEVER: "1"} if edition == 3 else {"edition": str(edition)}
    return Workload(name(which), _LABELS, (WorkloadPort(port),), command=("true",), env=env)


def mesh(*workloads: Workload, gateway: bool = True, refused: bool = False) -> Mesh:
    gateways = (Gateway(GATEWAY, (GatewayServer(80, "http"),)),) if gateway else ()
    services = (Service(name(REFUSED), (ServicePort(80),), {}),) if refused else ()
    return Mesh(services=services, workloads=workloads, gateways=gateways)


def served(mesh: Mesh) -> Mesh:
    """With a service that all workloads are of."""
    service = Service(name("service"), (ServicePort(8000),), _LABELS)
    return replace(mesh, services=(*mesh.services, service))


async def cancel_at(task: asyncio.Task[object], moments: list[int]) -> None:
    for moment in moments:
        await pass_turns(moment)
        task.cancel()


async def pass_turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)
