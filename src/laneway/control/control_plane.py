"""The control plane's core: a change of mesh, placement or readiness -> compiled -> published.

A change is a transaction over all proxies (``phases``): it is compiled whole, added, switched and
removed in turn, and each step waits for every connected proxy to acknowledge. If one rejects
anything that it did not reject before, all go back to what was there. Readiness, which changes
nothing but endpoints, is published at once, also while a change is under way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace

from laneway.compile.incremental_lowering import Lowerer
from laneway.compile.ir import MeshRoutes
from laneway.compile.resources import Snapshot
from laneway.control.phases import Phase, compose
from laneway.control.proxies import Proxies, ProxyStatus, Publisher, ResourceStatus, Verdict
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Placements, TerminatingSidecar
from laneway.model.structural_sharing import share_unchanged

Emit = Callable[[Mesh, MeshRoutes, Placements], Mapping[str, Snapshot]]

#: Seconds that a phase may wait for acknowledgements. A proxy that is late is one that is away.
PHASE_DEADLINE = 10.0


@dataclass(frozen=True, slots=True)
class Change:
    """How a change ended. ``rejections`` are the reasons why it was taken back.

    ``late`` are proxies that were connected and did not answer in time: they catch up by
    themselves, and the change went on without them. ``in_force_seconds`` is how long it took until
    every proxy had acknowledged the new routes; what is left to do then is to remove the old.
    """

    applied: bool
    rejections: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    in_force_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _State:
    mesh: Mesh
    routes: MeshRoutes


class ControlPlane:
    """Holds what is declared and where it runs; keeps the proxies' snapshots in step."""

    def __init__(self, publisher: Publisher, proxies: Proxies, emit: Emit) -> None:
        self._publisher = publisher
        self._proxies = proxies
        self._emit = emit
        self._lower = Lowerer()
        self._state = self._compiled = _State(Mesh(), self._lower(Mesh()))
        self._next: tuple[_State, Phase] | None = None
        self._placements = Placements()
        self._nodes: frozenset[str] = frozenset()
        self._late: frozenset[str] = frozenset()
        self._changing = asyncio.Lock()
        self._emissions: deque[tuple[_State, Placements, Mapping[str, Snapshot]]] = deque(maxlen=2)

    @property
    def mesh(self) -> Mesh:
        """The active mesh; during a change, the mesh before it."""
        return self._state.mesh

    @property
    def placements(self) -> Placements:
        return self._placements

    @property
    def nodes(self) -> frozenset[str]:
        """The node ids of the proxies that have a snapshot."""
        return self._nodes

    def is_behind(self, status: ProxyStatus) -> bool:
        """Whether a connected proxy has not acknowledged the active mesh yet: it was late when the
        mesh changed or was taken back, or has connected since. One that was not is on its way to
        the next mesh, or lacks what has become ready."""
        late = status.node in self._late or not status.greeted
        return late and status.connected and not status.synced

    def set_ready(self, workload: ObjectName, ready: bool) -> None:
        """The workload may, or may no longer, receive requests."""
        before = self._placements.ready
        after = before | {workload} if ready else before - {workload}
        if after != before:
            self._placements = replace(self._placements, ready=after)
            self.publish()

    def place(self, placements: Placements) -> None:
        """Where things run, or will. Not published yet.

        ``ready`` and ``terminating`` stay as the other methods set them.
        """
        before = self._placements
        self._placements = replace(placements, ready=before.ready, terminating=before.terminating)

    def keep(self, sidecar: TerminatingSidecar) -> None:
        """Configure it also when its workload is gone, until ``drop``. Not published yet."""
        others = _others(self._placements.terminating, sidecar)
        self._placements = replace(self._placements, terminating=(*others, sidecar))

    def drop(self, sidecar: TerminatingSidecar) -> None:
        """It has ended, or its workload stays after all. Not published yet."""
        others = _others(self._placements.terminating, sidecar)
        self._placements = replace(self._placements, terminating=others)

    def publish(self) -> None:
        """Publish the active mesh with the current addresses."""
        self._publish(self._compile())

    async def change(self, mesh: Mesh, *, deadline: float = PHASE_DEADLINE) -> Change:
        """Bring ``mesh`` (valid, and placed) into force on every proxy, or on none.

        Changes are made one after another. Raises what compilation raises, with nothing changed.
        """
        async with self._changing:
            state = self._lowered(mesh)
            self._emitted(state)  # what does not compile fails here, with nothing changed
            try:
                result = await self._carry_out(state, deadline)
                if result.applied:
                    self._state = state
                    self._late = frozenset(result.late)
            finally:
                # Reverted, or cancelled half way: the previous mesh is active again.
                self._next = None
                if self._state is not state:
                    self.publish()
                    self._late = self._nodes
            return result

    def _lowered(self, mesh: Mesh) -> _State:
        mesh = share_unchanged(mesh, self._compiled.mesh)
        self._compiled = _State(mesh, self._lower(mesh))
        return self._compiled

    async def _carry_out(self, state: _State, deadline: float) -> Change:
        late: set[str] = set()
        known = self._rejected()  # what was rejected before is no reason to refuse what mends it
        clock = asyncio.get_running_loop().time
        began = switched = clock()
        for phase in Phase:
            rejections = await self._enter(state, phase, deadline, late, known)
            if rejections:
                return Change(False, rejections, tuple(sorted(late)))
            if phase is Phase.SWITCH:
                switched = clock()
        return Change(True, (), tuple(sorted(late)), switched - began)

    async def wait_synced(self, deadline: float = PHASE_DEADLINE) -> Mapping[str, ProxyStatus]:
        """Until every connected proxy has settled on what it should have, or time is up."""
        connected = frozenset(n for n in self._nodes if self._proxies.status(n).connected)
        try:
            async with asyncio.timeout(deadline):
                return await self._proxies.wait_synced(connected)
        except TimeoutError:
            return {node: self._proxies.status(node) for node in connected}

    async def _enter(
        self,
        state: _State,
        phase: Phase,
        deadline: float,
        late: set[str],
        known: Set[tuple[str, ResourceStatus]],
    ) -> tuple[str, ...]:
        """Publish a phase and wait for it; returns what proxies rejected, but for ``known``."""
        self._next = (state, phase)
        self.publish()
        statuses = await self.wait_synced(deadline)
        rejections = tuple(
            rejection
            for node in sorted(statuses)
            for rejection in rejected(_without(statuses[node], known))
        )
        if not rejections:
            late.update(s.node for s in statuses.values() if s.connected and not s.synced)
        return rejections

    def _rejected(self) -> frozenset[tuple[str, ResourceStatus]]:
        return frozenset(
            (node, resource)
            for node in self._nodes
            for resource in self._proxies.status(node).resources
            if resource.verdict is Verdict.REJECTED
        )

    def _compile(self) -> Mapping[str, Snapshot]:
        before = self._emitted(self._state)
        if self._next is None:
            return before
        state, phase = self._next
        return compose(before, self._emitted(state), phase)

    def _emitted(self, state: _State) -> Mapping[str, Snapshot]:
        """The snapshots of a state as placed now; those of the last two are remembered."""
        for known, placements, snapshots in self._emissions:
            if known is state and placements is self._placements:
                return snapshots
        snapshots = self._emit(state.mesh, state.routes, self._placements)
        self._emissions.append((state, self._placements, snapshots))
        return snapshots

    def _publish(self, snapshots: Mapping[str, Snapshot]) -> None:
        self._late = frozenset(n for n in self._late if not self._proxies.status(n).synced)
        gone = self._nodes - snapshots.keys()
        self._nodes = frozenset(snapshots)
        self._publisher.publish(snapshots)
        for node in gone:
            self._publisher.forget(node)


def _without(status: ProxyStatus, known: Set[tuple[str, ResourceStatus]]) -> ProxyStatus:
    kept = tuple(each for each in status.resources if (status.node, each) not in known)
    return replace(status, resources=kept)


def _others(
    sidecars: tuple[TerminatingSidecar, ...], sidecar: TerminatingSidecar
) -> tuple[TerminatingSidecar, ...]:
    """It is the same one also where it has stopped listening meanwhile."""
    return tuple(
        other
        for other in sidecars
        if (other.workload.name, other.placement.generation)
        != (sidecar.workload.name, sidecar.placement.generation)
    )


def rejected(status: ProxyStatus) -> tuple[str, ...]:
    """What a proxy refuses of what it should have, in sentences with Envoy's own words."""
    return tuple(
        f"proxy {status.node} rejected {resource.name}: {resource.error}"
        for resource in status.resources
        if resource.verdict is Verdict.REJECTED
    )
