"""A mesh whose control plane can be stopped and started without its proxies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, Self

from tests.e2e.control_process import Command, Control, Report

from laneway.adapters.runner.binary import find_envoy
from laneway.adapters.runner.ports import Ports
from laneway.adapters.runner.runner import Runner
from laneway.control.control_plane import Change
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Placements
from laneway.wiring.address_allocation import AddressAllocator
from laneway.wiring.fleets import Fleet

Versions = Mapping[tuple[str, str], tuple[str, str]]


class SeparateControlPlane:
    """The fleet runs in this process, the control plane in another one.

    Everything is ready within the ``async with`` block. A new control plane gets the readiness of
    workloads from the fleet.
    """

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self._ready: set[ObjectName] = set()
        self._changed = asyncio.Event()
        self._control: Control | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            ports = Ports()
            stack.callback(ports.close)
            allocator = AddressAllocator(ports, free_gateway_ports=True)
            self.runner = await stack.enter_async_context(
                Runner(find_envoy(), lambda event: self.fleet.observe(event))
            )
            self._socket = self.runner.run_dir / "xds.sock"
            stack.push_async_callback(self.kill_control)
            stack.push_async_callback(self.runner.aclose)
            self.fleet = Fleet(self.runner, allocator, self._socket, 2, self._on_ready)
            self._placements = allocator.place(self.mesh, Placements())
            await self.start_control(hash_seed=1)
            await self.fleet.start_proxies(self.mesh, self._placements)
            for workload in self.mesh.workloads:
                placed = self._placements.sidecars[workload.name]
                self.fleet.adopt(await self.fleet.start(workload, placed))
            assert await self.fleet.wait_ready() == ()
            for name in sorted(self._ready):
                await self.tell(Command(ready=(name, True)))
            await self.wait_synced()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def url(self) -> str:
        (gateway,) = self._placements.gateways.values()
        (address,) = gateway.listeners.values()
        return f"http://{address}"

    @property
    def nodes(self) -> frozenset[str]:
        return self.fleet.nodes

    async def start_control(self, hash_seed: int, mesh: Mesh | None = None) -> Change:
        self._control = await Control.start(self._socket, hash_seed)
        return await self.change(mesh or self.mesh)

    async def kill_control(self) -> None:
        if self._control:
            await self._control.kill()

    async def tell(self, command: Command) -> Report:
        assert self._control is not None
        return await self._control.tell(command)

    async def change(self, mesh: Mesh, deadline: float = 10.0) -> Change:
        placements = Placements(
            self._placements.sidecars, self._placements.gateways, frozenset(self._ready)
        )
        report = await self.tell(Command(mesh, placements, deadline=deadline))
        assert report.change is not None
        return report.change

    async def wait_synced(self, nodes: frozenset[str] | None = None) -> Report:
        wanted = self.nodes if nodes is None else nodes
        async with asyncio.timeout(30):
            while not wanted <= (report := await self.tell(Command())).synced:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return report

    async def versions(self, node: str) -> Versions:
        """What an Envoy holds: (type, name) -> its version, and when Envoy took it.

        Envoy tells no version of endpoints; ``updates`` has a count for each cluster's.
        """
        dump = json.loads(await self.runner.admin(node).get("/config_dump"))
        return {
            (kind, name): (entry["version_info"], entry["last_updated"])
            for section in dump["configs"]
            for kind, name, entry in _entries(section)
        }

    async def updates(self, node: str) -> Mapping[str, int]:
        """Envoy's own counts of configuration taken."""
        return await self.runner.admin(node).stats(r"update_(success|rejected)$")

    def _on_ready(self, workload: ObjectName, ready: bool) -> None:
        (self._ready.add if ready else self._ready.discard)(workload)


def _entries(section: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for entry in section.get("dynamic_active_clusters", ()):
        yield "cluster", entry["cluster"]["name"], entry
    for listener in section.get("dynamic_listeners", ()):
        yield "listener", listener["name"], listener["active_state"]
    for entry in section.get("dynamic_route_configs", ()):
        yield "routes", entry["route_config"]["name"], entry
