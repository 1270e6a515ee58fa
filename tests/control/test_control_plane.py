"""A change is applied to all proxies or to none, however they respond."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from laneway.compile.ir import MeshRoutes
from laneway.compile.resources import CLUSTER, ROUTE, Resource, Snapshot
from laneway.control.control_plane import ControlPlane
from laneway.control.proxies import ProxyStatus, ResourceStatus, Verdict
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Placements
from laneway.model.services import Service, ServicePort

A, B, C = (ObjectName("default", name) for name in "abc")
NODES = ("one", "two")


class ScriptedProxies:
    """Two proxies that acknowledge at once, unless a test makes them reject or ignore changes."""

    def __init__(self) -> None:
        self.has: dict[str, Snapshot] = {}
        self.history: list[tuple[str, str]] = []
        self.refuses: set[str] = set()
        self.refuses_later: set[str] = set()  # as soon as anything is published
        self.ignores: set[str] = set()
        # When nothing is left of a service whose resources were there before.
        self.refuses_last: set[str] = set()
        self.ignores_last: set[str] = set()
        self.away: set[str] = set()
        self.fresh: set[str] = set()

    def publish(self, snapshots: Mapping[str, Snapshot]) -> None:
        self.has.update(snapshots)
        self.refuses |= self.refuses_later
        clusters, routes = (self.names(NODES[0], kind) for kind in (CLUSTER, ROUTE))
        if "a" not in clusters:
            self.refuses |= self.refuses_last
            self.ignores |= self.ignores_last
        self.history.append((clusters, routes))

    def forget(self, node: str) -> None:
        del self.has[node]

    def status(self, node: str) -> ProxyStatus:
        resources = self.has[node].resources(CLUSTER) if node in self.has else {}
        refused = tuple(
            ResourceStatus(CLUSTER, name, resource.version, "", Verdict.REJECTED, "no good")
            for name, resource in resources.items()
            if name in self.refuses
        )
        synced = node not in self.ignores and not refused
        connected, greeted = node not in self.away, node not in self.fresh
        return ProxyStatus(node, connected, synced, refused, greeted)

    def is_connected(self, node: str) -> bool:
        return node not in self.away

    async def wait_synced(self, nodes: frozenset[str]) -> Mapping[str, ProxyStatus]:
        await asyncio.sleep(0)
        if nodes & self.ignores:
            await asyncio.Event().wait()
        return {node: self.status(node) for node in nodes}

    def names(self, node: str, kind: str) -> str:
        return ",".join(sorted(name for name in self.has[node].resources(kind)))


def emit(mesh: Mesh, routes: MeshRoutes, placements: Placements) -> Mapping[str, Snapshot]:
    """For both nodes alike, a cluster and a route for each service; readiness in the cluster."""
    ready = ",".join(sorted(name.name for name in placements.ready))
    snapshot = Snapshot(
        {
            kind: {
                service.name.name: Resource.of(kind, service.name.name, ready.encode())
                for service in mesh.services
            }
            for kind in (CLUSTER, ROUTE)
        }
    )
    return dict.fromkeys(NODES, snapshot)


def mesh(*names: ObjectName) -> Mesh:
    return Mesh(services=tuple(Service(name, (ServicePort(80),), {"app": "x"}) for name in names))


@pytest.fixture
def proxies() -> ScriptedProxies:
    return ScriptedProxies()


@pytest.fixture
def control_plane(proxies: ScriptedProxies) -> ControlPlane:
    return ControlPlane(proxies, proxies, emit)


async def test_new_clusters_come_before_and_old_ones_go_after_the_switch_of_routes(
    control_plane: ControlPlane, proxies: ScriptedProxies
) -> None:
    await control_plane.change(mesh(A))
    proxies.history.clear()
    change = await control_plane.change(mesh(B))
    assert change.applied
    # The switch keeps routes that nothing replaces; they lead to clusters that are still there.
    assert proxies.history == [("a,b", "a"), ("a,b", "a,b"), ("b", "b")]
    assert control_plane.mesh == mesh(B)


async def test_a_rejection_by_one_proxy_takes_the_change_back_on_all(
    control_plane: ControlPlane, proxies: ScriptedProxies
) -> None:
    await control_plane.change(mesh(A))
    proxies.refuses = {"b"}
    change = await control_plane.change(mesh(A, B))
    assert not change.applied
    assert change.rejections == tuple(f"proxy {n} rejected b: no good" for n in NODES)
    assert control_plane.mesh == mesh(A)
    assert [proxies.names(node, ROUTE) for node in NODES] == ["a", "a"]
    assert [proxies.names(node, CLUSTER) for node in NODES] == ["a", "a"]
    proxies.refuses = set()
    assert (await control_plane.change(mesh(A, C))).applied


async def test_what_all_proxies_have_switched_to_is_not_taken_back(
    control_plane: ControlPlane, proxies: ScriptedProxies
) -> None:
    """As when a proxy that connects while old resources are removed rejects the new routes."""
    await control_plane.change(mesh(A))
    proxies.refuses_last = {"b"}
    proxies.ignores_last = {"two"}
    assert (await control_plane.change(mesh(B))).applied
    assert control_plane.mesh == mesh(B)
    assert proxies.names("one", ROUTE) == "b"


async def test_a_proxy_that_is_away_does_not_hold_up_a_change(
    control_plane: ControlPlane, proxies: ScriptedProxies
) -> None:
    await control_plane.change(mesh(A))
    proxies.away = {"two"}
    for _ in range(2):
        change = await control_plane.change(mesh(B))
        assert (change.applied, change.late) == (True, ())
    assert proxies.names("two", ROUTE) == "b"


async def test_a_proxy_that_does_not_answer_is_late_and_the_change_goes_on(
    control_plane: ControlPlane, proxies: ScriptedProxies
) -> None:
    await control_plane.change(mesh(A))
    proxies.ignores = {"two"}
    change = await control_plane.change(mesh(B), deadline=0)
    assert change.applied
    assert change.late == ("two",)


async def test_readiness_is_published_at_once_also_within_a_change(
    control_plane: ControlPlane, proxies: ScriptedProxies
) -> None:
    await control_plane.change(mesh(A))
    published = len(proxies.history)
    control_plane.set_ready(B, True)
    control_plane.set_ready(B, True)
    assert len(proxies.history) == published + 1
    changing = asyncio.create_task(control_plane.change(mesh(A, C)))
    await asyncio.sleep(0)
    control_plane.set_ready(C, True)
    assert proxies.has["one"].resources(CLUSTER)["c"].body == b"b,c"
    assert (await changing).applied
    assert proxies.has["one"].resources(CLUSTER)["a"].body == b"b,c"


async def test_a_change_that_is_cancelled_is_taken_back(
    control_plane: ControlPlane, proxies: ScriptedProxies
) -> None:
    await control_plane.change(mesh(A))
    proxies.ignores = {"one"}
    changing = asyncio.create_task(control_plane.change(mesh(B), deadline=60))
    await asyncio.sleep(0)
    changing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await changing
    assert proxies.names("one", CLUSTER) == "a"
    assert control_plane.mesh == mesh(A)


async def test_a_change_that_does_not_compile_publishes_nothing(
    proxies: ScriptedProxies,
) -> None:
    def emit_or_fail(
        mesh: Mesh, routes: MeshRoutes, placements: Placements
    ) -> Mapping[str, Snapshot]:
        if len(mesh.services) > 1:
            raise ValueError("too many")
        return emit(mesh, routes, placements)

    control_plane = ControlPlane(proxies, proxies, emit_or_fail)
    await control_plane.change(mesh(A))
    published = len(proxies.history)
    with pytest.raises(ValueError, match="too many"):
        await control_plane.change(mesh(A, B))
    assert len(proxies.history) == published
    assert control_plane.mesh == mesh(A)


async def test_changes_are_made_one_after_another(
    control_plane: ControlPlane, proxies: ScriptedProxies
) -> None:
    await control_plane.change(mesh(A))
    proxies.history.clear()
    await asyncio.gather(control_plane.change(mesh(B)), control_plane.change(mesh(C)))
    assert [routes for _, routes in proxies.history] == ["a", "a,b", "b", "b", "b,c", "c"]


async def test_a_node_that_is_gone_is_forgotten(proxies: ScriptedProxies) -> None:
    def emit_one_for_each(
        mesh: Mesh, routes: MeshRoutes, placements: Placements
    ) -> Mapping[str, Snapshot]:
        return {
            node: snapshot
            for node, snapshot in emit(mesh, routes, placements).items()
            if node == NODES[0] or len(mesh.services) > 1
        }

    control_plane = ControlPlane(proxies, proxies, emit_one_for_each)
    await control_plane.change(mesh(A, B))
    assert control_plane.nodes == proxies.has.keys() == {"one", "two"}
    await control_plane.change(mesh(A))
    assert control_plane.nodes == proxies.has.keys() == {"one"}


async def test_what_was_rejected_before_does_not_keep_a_change_from_mending_it(
    control_plane: ControlPlane, proxies: ScriptedProxies
) -> None:
    """As when a proxy has just started, and rejects what was declared while it was not there."""
    assert (await control_plane.change(mesh(A, B))).applied
    proxies.refuses = {"b"}
    assert (await control_plane.change(mesh(A, C))).applied
    assert not (await control_plane.change(mesh(A, B, C))).applied


async def test_a_late_rejection_of_what_was_there_before_is_not_the_changes(
    control_plane: ControlPlane, proxies: ScriptedProxies
) -> None:
    """As when a proxy that has just started answers while the next change begins."""
    assert (await control_plane.change(mesh(A, B))).applied
    proxies.refuses_later = {"b"}
    assert (await control_plane.change(mesh(A, B, C))).applied
    assert proxies.refuses == {"b"}


def behind(control_plane: ControlPlane, proxies: ScriptedProxies) -> list[str]:
    return [node for node in NODES if control_plane.is_behind(proxies.status(node))]


async def test_a_late_proxy_is_behind_until_it_has_answered(
    control_plane: ControlPlane, proxies: ScriptedProxies
) -> None:
    await control_plane.change(mesh(A))
    proxies.ignores = {"two"}
    await control_plane.change(mesh(B), deadline=0)
    assert behind(control_plane, proxies) == ["two"]
    proxies.ignores = set()
    assert behind(control_plane, proxies) == []
    control_plane.set_ready(A, True)
    proxies.ignores = {"two"}
    assert behind(control_plane, proxies) == []  # it lacks readiness alone


async def test_a_proxy_is_behind_that_has_not_acknowledged_that_a_change_was_taken_back(
    control_plane: ControlPlane, proxies: ScriptedProxies
) -> None:
    await control_plane.change(mesh(A))
    proxies.ignores, proxies.refuses = {"two"}, {"b"}
    assert not (await control_plane.change(mesh(A, B), deadline=0)).applied
    assert behind(control_plane, proxies) == ["two"]


async def test_a_proxy_that_had_rejected_something_is_behind_while_a_change_mends_it(
    control_plane: ControlPlane, proxies: ScriptedProxies
) -> None:
    assert (await control_plane.change(mesh(A, B))).applied
    proxies.refuses = {"b"}
    changing = asyncio.create_task(control_plane.change(mesh(A, C)))
    await asyncio.sleep(0)
    proxies.refuses, proxies.ignores = set(), {"one"}  # it is sent others, and rejects no more
    assert behind(control_plane, proxies) == ["one"]
    proxies.ignores = set()
    assert (await changing).applied
    assert behind(control_plane, proxies) == []


async def test_a_proxy_that_has_just_connected_is_behind(
    control_plane: ControlPlane, proxies: ScriptedProxies
) -> None:
    await control_plane.change(mesh(A))
    proxies.ignores = proxies.fresh = {"one"}
    assert behind(control_plane, proxies) == ["one"]
    proxies.away = {"one"}
    assert behind(control_plane, proxies) == []
