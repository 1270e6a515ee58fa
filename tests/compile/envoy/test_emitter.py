"""The emitter builds only what changed, and what it builds is what a fresh one would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compile.edit_strategies import successions
from tests.compile.mesh_strategies import meshes
from tests.e2e.scenarios import SCENARIOS

from laneway.compile.envoy.emitter import Emitter, emit
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.incremental_lowering import Lowerer
from laneway.compile.lower import lower
from laneway.compile.placeholder_placements import placeholder_placements
from laneway.compile.resources import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    PUSH_ORDER,
    ROUTE,
    SCOPE,
    Layers,
    Snapshot,
)
from laneway.model.meshes import Mesh
from laneway.model.placements import Placements
from laneway.model.structural_sharing import share_unchanged

OPTIONS = Options(FilterModule("filter.wasm"))


def versions(emitter: Emitter, mesh: Mesh, placements: Placements) -> object:
    return _versions(emitter(mesh, lower(mesh), placements))


def _versions(snapshots: Mapping[str, Snapshot]) -> object:
    return {
        (node, url, name): resource.version
        for node, snapshot in snapshots.items()
        for url in PUSH_ORDER
        for name, resource in snapshot.resources(url).items()
    }


@pytest.fixture
def mesh() -> Mesh:
    return SCENARIOS[0].mesh


@given(st.lists(meshes(), min_size=2, max_size=4), st.data())
def test_whatever_came_before_the_result_is_that_of_a_fresh_emitter(
    sequence: list[Mesh], data: st.DataObject
) -> None:
    emitter = Emitter(OPTIONS)
    for mesh in [*sequence, sequence[0]]:
        placements = placeholder_placements(mesh)
        ready = data.draw(st.sets(st.sampled_from(sorted(placements.ready))))
        placed = replace(placements, ready=frozenset(ready))
        assert versions(emitter, mesh, placed) == versions(Emitter(OPTIONS), mesh, placed)


@given(successions(), st.data())
def test_nor_does_it_matter_which_change_of_lanes_services_or_workloads_came_before(
    sequence: list[Mesh], data: st.DataObject
) -> None:
    emitter, lowerer, last = Emitter(OPTIONS), Lowerer(), Mesh()
    for mesh in [*sequence, sequence[0]]:
        last = share_unchanged(mesh, last)
        placements = placeholder_placements(mesh)
        ready = data.draw(st.sets(st.sampled_from(sorted(placements.ready))))
        placed = replace(placements, ready=frozenset(ready))
        emitted = _versions(emitter(last, lowerer(last), placed))
        assert emitted == versions(Emitter(OPTIONS), mesh, placed)


def test_an_emission_that_failed_leaves_nothing_behind(mesh: Mesh) -> None:
    """The service that is gone in it is looked at again after it."""
    emitter, placements = Emitter(OPTIONS), placeholder_placements(mesh)
    whole = versions(emitter, mesh, placements)
    routes = lower(mesh)
    first, *rest = routes.services
    broken = replace(routes.services[rest[0]], by_port={})
    failing = replace(
        routes, services={rest[0]: broken, **{n: routes.services[n] for n in rest[1:]}}
    )
    assert first not in failing.services
    with pytest.raises(KeyError):
        emitter(mesh, failing, placements)
    assert _versions(emitter(mesh, routes, placements)) == whole


def test_what_did_not_change_is_the_same_object(mesh: Mesh) -> None:
    emitter, placements = Emitter(OPTIONS), placeholder_placements(mesh)
    before = emitter(mesh, lower(mesh), placements)
    assert emitter(mesh, lower(mesh), placements) == before
    again = emitter(mesh, lower(mesh), placements)
    assert all(again[node] is snapshot for node, snapshot in before.items())

    gone = replace(placements, ready=placements.ready - {mesh.workloads[0].name})
    after = emitter(mesh, lower(mesh), gone)
    node = "sidecar~mockb-v1.default"
    for url in (CLUSTER, LISTENER, SCOPE, ROUTE):
        old, new = before[node].resources(url), after[node].resources(url)
        assert all(new[name] is resource for name, resource in old.items())
    old, new = before[node].resources(ENDPOINT), after[node].resources(ENDPOINT)
    changed = {name for name, resource in old.items() if new[name] is not resource}
    of_mocka = {name for name in old if name.endswith("mocka.default.svc.cluster.local")}
    lane = mesh.lanes[1].name
    assert changed == {name for name in of_mocka if lane not in name.split("|")}


def test_what_proxies_share_is_one_object(mesh: Mesh) -> None:
    snapshots = emit(mesh, lower(mesh), placeholder_placements(mesh), OPTIONS)
    for url in (CLUSTER, ENDPOINT):
        layers = [snapshot.resources(url) for snapshot in snapshots.values()]
        assert all(isinstance(each, Layers) for each in layers)
        assert len({id(each.shared) for each in layers if isinstance(each, Layers)}) == 1
    sidecars = [snapshot for node, snapshot in snapshots.items() if node.startswith("sidecar~")]
    assert len({id(sidecar.resources(ROUTE)) for sidecar in sidecars}) == 1
    scopes = [sidecar.resources(SCOPE) for sidecar in sidecars]
    assert all(isinstance(each, Layers) for each in scopes)
    for layer in ("own", "shared"):  # all are of one namespace
        assert len({id(getattr(each, layer)) for each in scopes}) == 1
