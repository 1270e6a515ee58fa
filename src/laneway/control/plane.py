"""The control plane's core: a change of mesh, placement or readiness -> compiled -> published.

Compilation is all or nothing: what is published is always one consistent compilation, and a
change that does not compile leaves the last one in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from laneway.compile.ir import MeshRoutes
from laneway.compile.lower import lower
from laneway.compile.snapshots import Snapshot
from laneway.control.ports import Publisher
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Placements

Emit = Callable[[Mesh, MeshRoutes, Placements], Mapping[str, Snapshot]]


class Plane:
    """Holds what is declared and where it runs; keeps the proxies' snapshots in step."""

    def __init__(self, publisher: Publisher, emit: Emit) -> None:
        self._publisher = publisher
        self._emit = emit
        self._mesh = Mesh()
        self._routes = lower(self._mesh)
        self._placements = Placements()
        self._nodes: frozenset[str] = frozenset()

    @property
    def mesh(self) -> Mesh:
        return self._mesh

    @property
    def placements(self) -> Placements:
        return self._placements

    @property
    def nodes(self) -> frozenset[str]:
        """The node ids of the proxies that have a snapshot."""
        return self._nodes

    def apply(self, mesh: Mesh, placements: Placements) -> None:
        """Replace what is declared and where it runs. ``mesh`` must be valid."""
        self._publish(mesh, lower(mesh), placements)

    def set_ready(self, workload: ObjectName, ready: bool) -> None:
        """The workload may, or may no longer, receive requests."""
        before = self._placements.ready
        after = before | {workload} if ready else before - {workload}
        if after != before:
            self._publish(self._mesh, self._routes, replace(self._placements, ready=after))

    def _publish(self, mesh: Mesh, routes: MeshRoutes, placements: Placements) -> None:
        snapshots = self._emit(mesh, routes, placements)
        gone = self._nodes - snapshots.keys()
        self._mesh, self._routes, self._placements = mesh, routes, placements
        self._nodes = frozenset(snapshots)
        self._publisher.publish(snapshots)
        for node in gone:
            self._publisher.forget(node)
