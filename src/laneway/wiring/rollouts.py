"""One change of the processes on this machine: new ones start first, and removed ones end last.

``changes`` makes one rollout for each change. It calls ``start``, lets the control plane change the
proxies, and then calls ``settle``, or ``take_back`` if the change failed, was refused or cancelled.
Removed processes are handed to ``terminations`` once no proxy sends requests to them any more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from laneway.compile.envoy.names import gateway_node
from laneway.control.control_plane import ControlPlane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Placements, SidecarPlacement, TerminatingSidecar
from laneway.model.workloads import Workload
from laneway.wiring.address_allocation import AddressAllocator, addresses, merged
from laneway.wiring.fleets import Fleet, Instance
from laneway.wiring.replacements import replacements
from laneway.wiring.terminations import Terminations


@dataclass(frozen=True, slots=True)
class Site:
    """The state that changes work on: configuration, ports, and running and ending processes."""

    control_plane: ControlPlane
    fleet: Fleet
    allocator: AddressAllocator
    terminations: Terminations


class Rollout:
    """From the mesh that ``site`` runs to ``mesh``, which is placed at ``placements``."""

    def __init__(self, site: Site, mesh: Mesh, placements: Placements) -> None:
        self._site = site
        self._old, self._before = site.control_plane.mesh, site.control_plane.placements
        self._new, self._after = mesh, placements
        self._successors: list[Instance] = []
        self._stopped: list[Instance] = []
        self._early: list[TerminatingSidecar] = []

    async def start(self, anew: Collection[ObjectName]) -> None:
        """Starts new processes, and waits until those are ready that take the place of others: of
        existing workloads, and of workloads that are removed.

        Workloads in ``anew`` get a new process even if they have not changed. Raises the exceptions
        of starting processes, and ``NotReady``.
        """
        control_plane, fleet = self._site.control_plane, self._site.fleet
        started: dict[ObjectName, Instance] = {}
        control_plane.place(merged(self._before, self._after))
        for sidecar in _removed(self._old, self._new, self._before):
            control_plane.keep(sidecar)
        await fleet.start_proxies(self._new, self._after)
        for workload in self._new.workloads:
            known = self._old.workloads_by_name.get(workload.name)
            if known is None:
                placed = self._after.sidecars[workload.name]
                started[workload.name] = await fleet.start(workload, placed)
                fleet.adopt(started[workload.name])
            elif workload.name in anew or _process(known) != _process(workload):
                await self._start_successor(workload)
        replacing = replacements(self._old, self._new, self._before.ready)
        await self._wait_for([started[name] for name in sorted(replacing)])

    async def settle(self) -> None:
        """Sends requests to the successors, and terminates what was removed."""
        control_plane, fleet, terminations = (
            self._site.control_plane,
            self._site.fleet,
            self._site.terminations,
        )
        control_plane.place(self._after)
        for sidecar in self._early:
            control_plane.drop(sidecar)
        replaced = [fleet.adopt(successor) for successor in self._successors]
        for successor in self._successors:
            control_plane.set_ready(
                successor.workload.name, fleet.is_ready(successor.workload.name)
            )
        removed = _removed(self._old, self._new, self._before)
        last = [self._leave(sidecar) for sidecar in removed]
        control_plane.publish()
        await control_plane.wait_synced()
        for instance in filter(None, replaced):
            terminations.process(instance)
        for sidecar, process in zip(removed, last, strict=True):
            terminations.workload(sidecar, process)
        self._close_listeners(self._before, self._after)

    async def take_back(self) -> None:
        """Reverts ``start``. New processes may have received requests already, so they terminate
        like all others."""
        control_plane, terminations = self._site.control_plane, self._site.terminations
        for sidecar in _removed(self._old, self._new, self._before):
            control_plane.drop(sidecar)
        added = _removed(self._new, self._old, self._after)
        for sidecar in added:
            control_plane.keep(sidecar)
        last = [self._leave(sidecar) for sidecar in added]
        control_plane.place(self._before)
        control_plane.publish()
        await control_plane.wait_synced()
        for successor in self._successors:
            if successor.workload.name not in {each.workload.name for each in self._stopped}:
                terminations.process(successor)
        for sidecar, process in zip(added, last, strict=True):
            terminations.workload(sidecar, process)
        self._close_listeners(self._after, self._before)
        for stopped in self._stopped:
            await self._start_again(stopped)

    async def _start_successor(self, workload: Workload) -> None:
        known = self._old.workloads_by_name[workload.name]
        if known.has_fixed_port or workload.has_fixed_port:
            await self._stop(known)
        placed, before = self._after.sidecars[workload.name], self._before.sidecars[workload.name]
        moved = self._site.allocator.move(workload, placed, before)
        self._after = with_sidecar(self._after, moved)
        successor = await self._site.fleet.start(workload, moved)
        self._successors.append(successor)
        await self._site.fleet.wait_instance(successor)

    async def _wait_for(self, replacing: Collection[Instance]) -> None:
        """Until these new workloads are ready. Their sidecars, which would be configured when the
        mesh changes, are so from now on."""
        control_plane, fleet = self._site.control_plane, self._site.fleet
        for instance in replacing:
            placed = self._after.sidecars[instance.workload.name]
            self._early.append(TerminatingSidecar(instance.workload, placed))
            control_plane.keep(self._early[-1])
        if replacing:
            control_plane.publish()
        for instance in replacing:
            await fleet.wait_instance(instance)
            name = instance.workload.name
            control_plane.set_ready(name, fleet.is_ready(name))

    async def _stop(self, workload: Workload) -> None:
        """Stops the workload, because its successor needs the port. Other instances answer until
        the successor is ready."""
        control_plane, fleet = self._site.control_plane, self._site.fleet
        if (instance := fleet.release(workload.name)) is not None:
            self._stopped.append(instance)
        control_plane.set_ready(workload.name, False)
        await control_plane.wait_synced()
        if instance is not None:
            await fleet.stop(instance)

    async def _start_again(self, stopped: Instance) -> None:
        """Starts the workload as it was, at the port that a successor may have."""
        fleet, workload = self._site.fleet, stopped.workload
        successors = (each for each in self._successors if each.workload.name == workload.name)
        for instance in (stopped, *successors):
            await fleet.stop(instance)
        fleet.adopt(await fleet.start(workload, self._before.sidecars[workload.name]))

    def _leave(self, sidecar: TerminatingSidecar) -> Instance | None:
        """The workload receives no more requests. Its name may be used again later."""
        name = sidecar.workload.name
        instance = self._site.fleet.release(name)
        self._site.control_plane.set_ready(name, False)
        return instance

    def _close_listeners(self, placed: Placements, kept: Placements) -> None:
        """Ends removed gateways, and releases ports that no object uses any more."""
        gone = addresses(placed) - addresses(kept)
        for name in placed.gateways.keys() - kept.gateways.keys():
            gateway = placed.gateways[name]
            listeners = frozenset(gateway.listeners.values())
            node = gateway_node(name, gateway.generation)
            self._site.terminations.gateway(node, listeners)
            gone -= listeners
        if gone:
            self._site.terminations.forget(gone)


def with_sidecar(placements: Placements, sidecar: SidecarPlacement) -> Placements:
    """The placements with this sidecar instead of the earlier one of its workload."""
    return replace(placements, sidecars={**placements.sidecars, sidecar.workload: sidecar})


def _removed(old: Mesh, new: Mesh, placed: Placements) -> list[TerminatingSidecar]:
    """The sidecars of workloads that are only in ``old``; ``placed`` has all of ``old``."""
    return [
        TerminatingSidecar(workload, placed.sidecars[workload.name])
        for workload in old.workloads
        if workload.name not in new.workloads_by_name
    ]


def _process(workload: Workload) -> Workload:
    """The part of a workload that its process depends on: not its labels, its declared calls or its
    watched files."""
    return replace(workload, labels={}, calls=None, watch=())
