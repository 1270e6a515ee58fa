from __future__ import annotations

from collections.abc import Mapping

import pytest

from laneway.compile.ir import MeshRoutes
from laneway.compile.snapshots import CLUSTER, Resource, Snapshot
from laneway.control.plane import Plane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Placements
from laneway.model.services import Service, ServicePort

A = ObjectName("default", "a")
B = ObjectName("default", "b")


class Publications:
    """A publisher that remembers what each node was told last."""

    def __init__(self) -> None:
        self.nodes: dict[str, Snapshot] = {}
        self.count = 0

    def publish(self, snapshots: Mapping[str, Snapshot]) -> None:
        self.nodes.update(snapshots)
        self.count += 1

    def forget(self, node: str) -> None:
        del self.nodes[node]


def emit(mesh: Mesh, routes: MeshRoutes, placements: Placements) -> Mapping[str, Snapshot]:
    """One node for each service, whose one resource lists the ready workloads."""
    ready = ",".join(sorted(map(str, placements.ready)))
    resource = Resource.of(CLUSTER, "ready", ready.encode())
    return {
        str(service.name): Snapshot({CLUSTER: {"ready": resource}}) for service in mesh.services
    }


def mesh(*names: ObjectName) -> Mesh:
    return Mesh(services=tuple(Service(name, (ServicePort(80),), {"app": "x"}) for name in names))


def ready(publications: Publications, node: ObjectName) -> bytes:
    return publications.nodes[str(node)].resources(CLUSTER)["ready"].body


def test_readiness_is_published_once_for_each_change() -> None:
    publications = Publications()
    plane = Plane(publications, emit)
    plane.apply(mesh(A), Placements())
    plane.set_ready(B, True)
    plane.set_ready(B, True)
    assert publications.count == 2
    assert ready(publications, A) == b"default/b"
    plane.set_ready(B, False)
    assert ready(publications, A) == b""


def test_a_node_that_is_gone_is_forgotten() -> None:
    publications = Publications()
    plane = Plane(publications, emit)
    plane.apply(mesh(A, B), Placements())
    assert plane.nodes == {"default/a", "default/b"}
    plane.apply(mesh(B), Placements())
    assert publications.nodes.keys() == plane.nodes == {"default/b"}


def test_a_change_that_does_not_compile_leaves_the_last_good_state() -> None:
    publications = Publications()

    def emit_or_fail(
        mesh: Mesh, routes: MeshRoutes, placements: Placements
    ) -> Mapping[str, Snapshot]:
        if len(mesh.services) > 1:
            raise ValueError("too many")
        return emit(mesh, routes, placements)

    plane = Plane(publications, emit_or_fail)
    plane.apply(mesh(A), Placements())
    with pytest.raises(ValueError, match="too many"):
        plane.apply(mesh(A, B), Placements())
    assert plane.mesh.services[0].name == A
    assert plane.nodes == {"default/a"}
    plane.set_ready(B, True)
    assert ready(publications, A) == b"default/b"
