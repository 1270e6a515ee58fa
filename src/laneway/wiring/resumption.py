"""Takes over a running mesh from the control plane before this one.

Proxies and workloads go on as they are. Proxies connect again by themselves, and are sent only what
differs. Changes wait until then, because a change waits only for proxies that are connected.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from dataclasses import replace

from laneway.adapters.runner.errors import RunnerError
from laneway.adapters.xds.proxy_registry import ProxyRegistry
from laneway.control import events
from laneway.control.control_plane import ControlPlane
from laneway.model.meshes import Mesh
from laneway.model.placements import Placements
from laneway.wiring.address_allocation import nodes
from laneway.wiring.changes import Changes
from laneway.wiring.fleets import Fleet
from laneway.wiring.handover import RunningMesh

#: Seconds in which proxies connect to a control plane that takes over. Envoy waits for up to half a
#: second before its first attempt, and longer before each further one.
RECONNECTING = 30.0
#: Each is another Envoy for a moment, and takes its memory.
_RESTARTS_AT_ONCE = 4


class Resumption:
    """``generation`` returns the number of a proxy's process."""

    def __init__(
        self,
        registry: ProxyRegistry,
        control_plane: ControlPlane,
        fleet: Fleet,
        generation: Callable[[str], int],
        on_event: Callable[[events.Event], None],
    ) -> None:
        self._registry = registry
        self._control_plane = control_plane
        self._fleet = fleet
        self._generation = generation
        self._on_event = on_event
        self._reconnecting: asyncio.Task[None] | None = None

    async def begin(self, running: RunningMesh, mesh: Mesh, module: str, changes: Changes) -> None:
        """``mesh`` is that of ``running``. Proxies that run another lane filter than ``module`` are
        restarted hot. Raises ``RunnerError``."""
        placements = Placements(
            {each.workload: each for each in running.sidecars},
            {each.gateway: each for each in running.gateways},
        )
        fleet = self._fleet
        await fleet.resume(mesh, placements, running.instances, running.tokens)
        outdated = sorted(fleet.nodes) if running.module != module else ()
        for node in outdated:
            self._registry.expect(node, self._generation(node) + 1)
        ready = frozenset(each.name for each in mesh.workloads if fleet.is_ready(each.name))
        self._control_plane.resume(mesh, replace(placements, ready=ready))
        self._reconnecting = asyncio.create_task(self._reconnect(outdated))
        await changes.wait_for(self.wait_reconnected())

    async def wait_reconnected(self) -> None:
        """Until every proxy that was taken over has connected again and settled, or
        ``RECONNECTING`` is over."""
        if self._reconnecting is not None:
            await asyncio.wait([self._reconnecting])

    def cancel(self) -> None:
        if self._reconnecting is not None:
            self._reconnecting.cancel()

    async def _reconnect(self, outdated: Collection[str]) -> None:
        """``outdated`` proxies are restarted hot, a few at a time, and then get the new
        configuration."""
        at_once = asyncio.Semaphore(_RESTARTS_AT_ONCE)

        async def renew(node: str) -> None:
            async with at_once:
                try:
                    await self._fleet.restart_proxy(node)
                except (RunnerError, OSError) as error:
                    self._on_event(events.NotReplaced(events.ProxyInstance(node), str(error)))
                    self._registry.expect(node, 0)

        await asyncio.gather(*map(renew, outdated))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RECONNECTING):
                await self._registry.wait_synced(nodes(self._control_plane.placements))
