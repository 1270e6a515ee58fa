"""The core of the control plane: compiles changes of the mesh, placements and readiness, and
publishes them to the proxies.

A change is a transaction over all proxies (``phases``). It is compiled as a whole. Then resources
are added, and routes are switched; each phase waits until every connected proxy has acknowledged
it. If a proxy rejects anything that it did not reject before, the change is reverted everywhere.
Once all proxies have switched, the change is active and is not reverted any more; what is left is
to remove old resources. Readiness changes endpoints only, so it is published at once, even during a
change.
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

#: Seconds to wait for the acknowledgements of a phase. The change goes on without late proxies.
PHASE_DEADLINE = 10.0


@dataclass(frozen=True, slots=True)
class Change:
    """The result of a change. ``rejections`` are the reasons why it was reverted.

    ``late`` are proxies that were connected and did not respond in time. They catch up by
    themselves. ``seconds_until_active`` is the time until every proxy had acknowledged the new
    routes.
    """

    applied: bool
    rejections: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    seconds_until_active: float = 0.0


@dataclass(frozen=True, slots=True)
class _State:
    mesh: Mesh
    routes: MeshRoutes


class ControlPlane:
    """Has the active mesh and its placements, and keeps the proxies' snapshots up to date."""

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
        """The active mesh. During a change, this is the mesh before it."""
        return self._state.mesh

    @property
    def published_mesh(self) -> Mesh:
        """What proxies are sent now; during a change, the mesh that it leads to."""
        return self._next[0].mesh if self._next else self._state.mesh

    @property
    def placements(self) -> Placements:
        return self._placements

    @property
    def nodes(self) -> frozenset[str]:
        """The node ids of the proxies that have a snapshot."""
        return self._nodes

    def is_behind(self, status: ProxyStatus) -> bool:
        """Whether a connected proxy has not acknowledged the active mesh yet: it was late when the
        mesh changed or was taken back, had rejected something when it was sent the next one, or has
        connected since. One that was not is on its way to the next mesh, or lacks what has become
        ready."""
        late = status.node in self._late or not status.greeted
        return late and status.connected and not status.synced

    def set_ready(self, workload: ObjectName, ready: bool) -> None:
        """Adds the workload to those that receive requests, or removes it. Published at once."""
        before = self._placements.ready
        after = before | {workload} if ready else before - {workload}
        if after != before:
            self._placements = replace(self._placements, ready=after)
            self.publish()

    def place(self, placements: Placements) -> None:
        """Sets the placements, which are not published yet.

        Except ``ready`` and ``terminating``, which the other methods set.
        """
        before = self._placements
        self._placements = replace(placements, ready=before.ready, terminating=before.terminating)

    def keep(self, sidecar: TerminatingSidecar) -> None:
        """Configures the sidecar until ``drop``, even if its workload is removed. Not published
        yet."""
        others = _others(self._placements.terminating, sidecar)
        self._placements = replace(self._placements, terminating=(*others, sidecar))

    def drop(self, sidecar: TerminatingSidecar) -> None:
        """Ends ``keep``: the sidecar has ended, or its workload stays. Not published yet."""
        others = _others(self._placements.terminating, sidecar)
        self._placements = replace(self._placements, terminating=others)

    def resume(self, mesh: Mesh, placements: Placements) -> None:
        """Activates ``mesh`` for proxies that have it already, from a control plane before this
        one. It has no phases."""
        self._state = self._lowered(mesh)
        self._placements = placements
        self.publish()

    def publish(self) -> None:
        """Publishes the active mesh with the current placements."""
        self._publish(self._compile())

    async def change(self, mesh: Mesh, *, deadline: float = PHASE_DEADLINE) -> Change:
        """Activates ``mesh``, which must be valid and have placements, on all proxies or on none.

        Changes are made one after another. An exception of the compiler is raised before anything
        has changed. ``deadline`` are the seconds that each phase waits for acknowledgements. When
        this returns, old resources are being removed: see ``wait_synced``.
        """
        async with self._changing:
            state = self._lowered(mesh)
            self._emitted(state)  # a compiler error is raised here, before anything has changed
            try:
                result = await self._carry_out(state, deadline)
                if result.applied:
                    self._state = state
                    self._late = frozenset(result.late)
            finally:
                # After a rejection or a cancellation, this is the previous mesh.
                self._next = None
                self.publish()
                if self._state is not state:
                    self._late = self._nodes
            return result

    def _lowered(self, mesh: Mesh) -> _State:
        mesh = share_unchanged(mesh, self._compiled.mesh)
        self._compiled = _State(mesh, self._lower(mesh))
        return self._compiled

    async def _carry_out(self, state: _State, deadline: float) -> Change:
        late: set[str] = set()
        known = self._rejected()  # earlier rejections are no reason to reject this change
        clock = asyncio.get_running_loop().time
        began = clock()
        for phase in Phase:
            rejections = await self._enter(state, phase, deadline, late, known)
            if rejections:
                return Change(False, rejections, tuple(sorted(late)))
        return Change(True, (), tuple(sorted(late)), clock() - began)

    async def wait_synced(self, deadline: float = PHASE_DEADLINE) -> Mapping[str, ProxyStatus]:
        """Waits until every connected proxy is synced or has rejected something, or for
        ``deadline`` seconds. Returns their statuses."""
        connected = frozenset(filter(self._proxies.is_connected, self._nodes))
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
        """Publishes a phase and waits. Returns rejections of proxies, except those in ``known``,
        and of what they were to have before the change: they may reject that only now."""
        # What a proxy has rejected may be replaced now, and is no rejection any more.
        self._late |= {node for node, _ in self._rejected()}
        self._next = (state, phase)
        self.publish()
        statuses = await self.wait_synced(deadline)
        before = self._emitted(self._state)
        rejections = tuple(
            rejection
            for node in sorted(statuses)
            for rejection in rejected(_without(statuses[node], known, before.get(node)))
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
        """The snapshots of a state with the current placements. The last two are remembered."""
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


def _without(
    status: ProxyStatus, known: Set[tuple[str, ResourceStatus]], before: Snapshot | None
) -> ProxyStatus:
    def is_older(resource: ResourceStatus) -> bool:
        had = before.resources(resource.type_url).get(resource.name) if before else None
        return had is not None and had.version == resource.sent

    kept = (each for each in status.resources if (status.node, each) not in known)
    return replace(status, resources=tuple(each for each in kept if not is_older(each)))


def _others(
    sidecars: tuple[TerminatingSidecar, ...], sidecar: TerminatingSidecar
) -> tuple[TerminatingSidecar, ...]:
    """All sidecars but this one, whose placement may have lost its listeners meanwhile."""
    return tuple(
        other
        for other in sidecars
        if (other.workload.name, other.placement.generation)
        != (sidecar.workload.name, sidecar.placement.generation)
    )


def rejected(status: ProxyStatus) -> tuple[str, ...]:
    """A sentence for each resource that the proxy rejected, with Envoy's error message."""
    return tuple(
        f"proxy {status.node} rejected {resource.name}: {resource.error}"
        for resource in status.resources
        if resource.verdict is Verdict.REJECTED
    )
