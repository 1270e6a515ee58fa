"""Everything that starts and stops processes of a running mesh, one after another.

``embedded`` offers these to its users. Calls may overlap and be cancelled at any moment; here they
wait for each other, and a change that has begun is completed or reverted. ``rollouts`` has the
steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from laneway.adapters.runner.errors import Closed, PortUnavailable
from laneway.control.control_plane import Change
from laneway.control.rejected_rules import RejectedRule, leave_out_rejected
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Placements
from laneway.wiring.rollouts import Rollout, Site, with_sidecar


class Changes:
    """All methods raise ``Closed`` after ``close``."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._changing = asyncio.Lock()
        self._closed = False
        self._first: asyncio.Task[None] | None = None

    async def begin(self, mesh: Mesh) -> None:
        """Starts the first mesh. After a failure, the runner stops what was started."""
        site = self._site
        placements = site.allocator.place(mesh, Placements())
        site.control_plane.place(placements)
        await site.control_plane.change(mesh)
        await site.fleet.start_proxies(mesh, placements)
        for workload in mesh.workloads:
            placed = placements.sidecars[workload.name]
            site.fleet.adopt(await site.fleet.start(workload, placed))

    async def wait_for(self, first: Coroutine[Any, Any, None]) -> None:
        """Makes all changes wait until ``first`` is done, which goes on in the background."""
        await self._changing.acquire()
        self._first = asyncio.create_task(first)
        self._first.add_done_callback(lambda _: self._changing.release())

    @asynccontextmanager
    async def none_under_way(self) -> AsyncIterator[None]:
        """Inside, nothing is changed, and nothing is terminating. Waits for that."""
        async with self._exclusive():
            await self._site.terminations.finish()
            yield

    async def change(self, mesh: Mesh) -> Change:
        """Activates ``mesh``, which must be valid, or reverts everything.

        Raises the exceptions of placing and starting, and ``NotReady`` if a new process of an
        existing workload does not become ready.
        """
        async with self._exclusive():
            return await self._change(mesh)

    async def stop(self, name: ObjectName) -> None:
        """Removes the workload from every proxy's endpoints; then its process terminates."""
        async with self._exclusive():
            await _completed(self._stop(name))

    async def start(self, name: ObjectName) -> None:
        """Starts a workload; one that is running is replaced. Raises ``KeyError``, and the
        exceptions of ``change``."""
        async with self._exclusive():
            mesh = self._site.control_plane.mesh
            if name in mesh.workloads_by_name and self._site.fleet.is_ready(name):
                await self._change(mesh, anew=(name,))
            else:
                await self._start(name)

    async def leave_out_rejected(self) -> tuple[RejectedRule, ...]:
        """Deactivates the ingress rules that a proxy rejects, and returns them."""
        async with self._exclusive():
            return await leave_out_rejected(
                self._site.control_plane.mesh, self._site.control_plane.change
            )

    async def restart_proxy(self, node: str) -> None:
        """Hot. Raises ``KeyError`` for an unknown node, and ``Unstartable``."""
        await self._site.fleet.wait_restarted(node)  # this may take its whole grace period
        async with self._exclusive():
            await self._site.fleet.restart_proxy(node)

    async def close(self) -> None:
        """Waits for the current change; no other begins."""
        if self._first is not None:
            self._first.cancel()
        async with self._changing:
            self._closed = True

    @asynccontextmanager
    async def _exclusive(self) -> AsyncIterator[None]:
        async with self._changing:
            if self._closed:
                raise Closed("the mesh has been stopped")
            yield

    async def _change(self, mesh: Mesh, anew: Collection[ObjectName] = ()) -> Change:
        rollout = Rollout(self._site, mesh, await self._place(mesh))
        try:
            await rollout.start(anew)
            change = await self._site.control_plane.change(mesh)
        except BaseException:
            await _completed(rollout.take_back())
            raise
        await _completed(rollout.settle() if change.applied else rollout.take_back())
        return change

    async def _place(self, mesh: Mesh) -> Placements:
        """A fixed port may be one that a terminating process still listens on."""
        allocator, control_plane, fleet = (
            self._site.allocator,
            self._site.control_plane,
            self._site.fleet,
        )
        try:
            return allocator.place(mesh, control_plane.placements, fleet.nodes)
        except PortUnavailable:
            await self._site.terminations.listeners_closed()
        return allocator.place(mesh, control_plane.placements, fleet.nodes)

    async def _stop(self, name: ObjectName) -> None:
        instance = self._site.fleet.release(name)
        self._site.control_plane.set_ready(name, False)
        await self._site.control_plane.wait_synced()
        if instance:
            self._site.terminations.process(instance)

    async def _start(self, name: ObjectName) -> None:
        control_plane, fleet = self._site.control_plane, self._site.fleet
        workload = control_plane.mesh.workloads_by_name[name]
        await _completed(self._stop(name))
        placed = control_plane.placements.sidecars[name]
        if self._site.terminations.hold(placed.application.values()):
            placed = self._site.allocator.move(workload, placed, placed)
            control_plane.place(with_sidecar(control_plane.placements, placed))
            control_plane.publish()
        fleet.adopt(await fleet.start(workload, placed))


async def _completed(work: Coroutine[Any, Any, None]) -> None:
    """Waits until ``work`` is done, even when cancelled; the cancellation is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled:
        raise cancelled
