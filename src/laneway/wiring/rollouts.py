"""One change of what runs on this machine: new things start first, what is gone ends last.

Between ``embedded`` (which makes one change after another) and the plane, which brings routes and
endpoints into force on every proxy or on none. A change that fails, is refused, or is cancelled is
taken back. It ends when nothing is sent any more to what is gone: ``terminations`` has the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from laneway.adapters.runner.errors import PortUnavailable
from laneway.compile.envoy.names import gateway_node
from laneway.control.plane import Change, Plane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Placements, SidecarPlacement, TerminatingSidecar
from laneway.model.workloads import Workload
from laneway.wiring.fleets import Fleet, Instance
from laneway.wiring.placing import Places, addresses, both
from laneway.wiring.terminations import Terminations


@dataclass(slots=True)
class _Attempt:
    """What a change has done so far; ``placements`` are those after it."""

    mesh: Mesh
    placements: Placements
    successors: list[Instance] = field(default_factory=list)


class Rollout:
    """Its methods must not overlap. Where they are cancelled, they end in order first."""

    def __init__(
        self, plane: Plane, fleet: Fleet, places: Places, terminations: Terminations
    ) -> None:
        self._plane = plane
        self._fleet = fleet
        self._places = places
        self._terminations = terminations

    async def begin(self, mesh: Mesh) -> None:
        """Where nothing runs yet. What was started by a failure is left to the runner to stop."""
        placements = self._places.place(mesh, Placements())
        self._plane.place(placements)
        await self._plane.change(mesh)
        await self._fleet.start_proxies(mesh, placements)
        for workload in mesh.workloads:
            placed = placements.sidecars[workload.name]
            self._fleet.adopt(await self._fleet.start(workload, placed))

    async def change(self, mesh: Mesh, anew: Collection[ObjectName] = ()) -> Change:
        """Bring ``mesh`` (valid) into force, or take everything back.

        Workloads in ``anew`` get a new process also where nothing of them changed. Raises what
        placing and starting raise, and ``NotReady`` where a new process does not become ready.
        """
        old, before = self._plane.mesh, self._plane.placements
        attempt = _Attempt(mesh, await self._place(mesh, before))
        try:
            await self._start(attempt, old, anew)
            change = await self._plane.change(mesh)
        except BaseException:
            await _completed(self._take_back(attempt, old, before))
            raise
        if change.applied:
            await _completed(self._settle(attempt, old, before))
        else:
            await _completed(self._take_back(attempt, old, before))
        return change

    async def stop(self, name: ObjectName) -> None:
        """Take the workload out of every proxy's endpoints; then its process terminates."""
        await _completed(self._stop(name))

    async def start(self, name: ObjectName) -> None:
        """Start a workload; one that serves is replaced. Raises ``KeyError``, and as ``change``."""
        workload = self._plane.mesh.workloads_by_name[name]
        if self._fleet.is_ready(name):
            await self.change(self._plane.mesh, anew=(name,))
            return
        await self.stop(name)
        placed = self._plane.placements.sidecars[name]
        if self._terminations.hold(placed.application.values()):
            placed = self._places.move(workload, placed, placed)
            self._plane.place(_with_sidecar(self._plane.placements, placed))
            self._plane.publish()
        self._fleet.adopt(await self._fleet.start(workload, placed))

    async def _place(self, mesh: Mesh, before: Placements) -> Placements:
        """A port that the user fixed may be one that something is about to stop listening on."""
        try:
            return self._places.place(mesh, before, self._fleet.nodes)
        except PortUnavailable:
            await self._terminations.listeners_closed()
        return self._places.place(mesh, self._plane.placements, self._fleet.nodes)

    async def _start(self, attempt: _Attempt, old: Mesh, anew: Collection[ObjectName]) -> None:
        mesh, before = attempt.mesh, self._plane.placements
        self._plane.place(both(before, attempt.placements))
        for sidecar in _removed(old, mesh, before):
            self._plane.keep(sidecar)
        await self._fleet.start_proxies(mesh, attempt.placements)
        for workload in mesh.workloads:
            known = old.workloads_by_name.get(workload.name)
            placed = attempt.placements.sidecars[workload.name]
            if known is None:
                self._fleet.adopt(await self._fleet.start(workload, placed))
            elif workload.name in anew or _process(known) != _process(workload):
                placed = self._places.move(workload, placed, before.sidecars[workload.name])
                attempt.placements = _with_sidecar(attempt.placements, placed)
                successor = await self._fleet.start(workload, placed)
                attempt.successors.append(successor)
                await self._fleet.wait_instance(successor)

    async def _settle(self, attempt: _Attempt, old: Mesh, before: Placements) -> None:
        """Requests go to successors now, and what is gone terminates."""
        self._plane.place(attempt.placements)
        replaced = [self._fleet.adopt(successor) for successor in attempt.successors]
        for successor in attempt.successors:
            name = successor.workload.name
            self._plane.set_ready(name, self._fleet.is_ready(name))
        removed = _removed(old, attempt.mesh, before)
        ended = [self._leave(sidecar) for sidecar in removed]
        self._plane.publish()
        await self._plane.wait_synced()
        for instance in filter(None, replaced):
            self._terminations.process(instance)
        for sidecar, last in zip(removed, ended, strict=True):
            self._terminations.workload(sidecar, last)
        self._close_listeners(before, attempt.placements)

    async def _take_back(self, attempt: _Attempt, old: Mesh, before: Placements) -> None:
        """What was started may have been sent requests already, and terminates like all others."""
        for sidecar in _removed(old, attempt.mesh, before):
            self._plane.drop(sidecar)
        added = _removed(attempt.mesh, old, attempt.placements)
        for sidecar in added:
            self._plane.keep(sidecar)
        ended = [self._leave(sidecar) for sidecar in added]
        self._plane.place(before)
        self._plane.publish()
        await self._plane.wait_synced()
        for successor in attempt.successors:
            self._terminations.process(successor)
        for sidecar, last in zip(added, ended, strict=True):
            self._terminations.workload(sidecar, last)
        self._close_listeners(attempt.placements, before)

    def _leave(self, sidecar: TerminatingSidecar) -> Instance | None:
        """The workload receives nothing any more; its name may come back one day."""
        name = sidecar.workload.name
        instance = self._fleet.release(name)
        self._plane.set_ready(name, False)
        return instance

    def _close_listeners(self, placed: Placements, kept: Placements) -> None:
        """Gateways that are not kept end, and ports that nobody keeps are given back."""
        gone = addresses(placed) - addresses(kept)
        for name in placed.gateways.keys() - kept.gateways.keys():
            gateway = placed.gateways[name]
            listeners = frozenset(gateway.listeners.values())
            self._terminations.gateway(gateway_node(name, gateway.generation), listeners)
            gone -= listeners
        if gone:
            self._terminations.forget(gone)

    async def _stop(self, name: ObjectName) -> None:
        instance = self._fleet.release(name)
        self._plane.set_ready(name, False)
        await self._plane.wait_synced()
        if instance:
            self._terminations.process(instance)


def _removed(old: Mesh, new: Mesh, placed: Placements) -> list[TerminatingSidecar]:
    """The sidecars of workloads that are in ``old`` alone; ``placed`` has all of ``old``."""
    return [
        TerminatingSidecar(workload, placed.sidecars[workload.name])
        for workload in old.workloads
        if workload.name not in new.workloads_by_name
    ]


def _with_sidecar(placements: Placements, sidecar: SidecarPlacement) -> Placements:
    return replace(placements, sidecars={**placements.sidecars, sidecar.workload: sidecar})


def _process(workload: Workload) -> Workload:
    """What of a workload a running process depends on: not which lanes select it."""
    return replace(workload, labels={})


async def _completed(work: Coroutine[Any, Any, None]) -> None:
    """Wait until ``work`` is done, also when cancelled meanwhile; the cancellation comes then."""
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
