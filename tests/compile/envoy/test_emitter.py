"""The emitter builds only what changed, and what it builds is what a fresh one would."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compile.landscapes import meshes
from tests.e2e.scenarios import SCENARIOS

from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.envoy.snapshots import Emitter, emit
from laneway.compile.lower import lower
from laneway.compile.memos import Memo, Same
from laneway.compile.nominal import nominal_placements
from laneway.compile.snapshots import CLUSTER, ENDPOINT, LISTENER, PUSH_ORDER, ROUTE, Layers
from laneway.model.meshes import Mesh
from laneway.model.placements import Placements

OPTIONS = Options(FilterModule("filter.wasm"))


def versions(emitter: Emitter, mesh: Mesh, placements: Placements) -> object:
    snapshots = emitter(mesh, lower(mesh), placements)
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
        placements = nominal_placements(mesh)
        ready = data.draw(st.sets(st.sampled_from(sorted(placements.ready))))
        placed = replace(placements, ready=frozenset(ready))
        assert versions(emitter, mesh, placed) == versions(Emitter(OPTIONS), mesh, placed)


def test_what_did_not_change_is_the_same_object(mesh: Mesh) -> None:
    emitter, placements = Emitter(OPTIONS), nominal_placements(mesh)
    before = emitter(mesh, lower(mesh), placements)
    assert emitter(mesh, lower(mesh), placements) == before
    again = emitter(mesh, lower(mesh), placements)
    assert all(again[node] is snapshot for node, snapshot in before.items())

    gone = replace(placements, ready=placements.ready - {mesh.workloads[0].name})
    after = emitter(mesh, lower(mesh), gone)
    node = "sidecar~mockb-v1.default"
    for url in (CLUSTER, LISTENER, ROUTE):
        old, new = before[node].resources(url), after[node].resources(url)
        assert all(new[name] is resource for name, resource in old.items())
    old, new = before[node].resources(ENDPOINT), after[node].resources(ENDPOINT)
    changed = {name for name, resource in old.items() if new[name] is not resource}
    assert changed == {name for name in old if name.endswith("mocka.default.svc.cluster.local")}


def test_what_proxies_share_is_one_object(mesh: Mesh) -> None:
    snapshots = emit(mesh, lower(mesh), nominal_placements(mesh), OPTIONS)
    for url in (CLUSTER, ENDPOINT):
        layers = [snapshot.resources(url) for snapshot in snapshots.values()]
        assert all(isinstance(each, Layers) for each in layers)
        assert len({id(each.shared) for each in layers if isinstance(each, Layers)}) == 1
    routes = [s.resources(ROUTE) for node, s in snapshots.items() if node.startswith("sidecar~")]
    assert len({id(each) for each in routes}) == 1


def test_a_memo_forgets_what_is_not_asked_for() -> None:
    memo, built = Memo(), list[str]()

    def ask(key: str, inputs: object) -> str:
        def build() -> str:
            built.append(key)
            return f"{key}{len(built)}"

        return memo(key, inputs, build)

    assert ask("a", 1) == ask("a", 1) == "a1"
    assert ask("a", 2) == "a2"
    memo.sweep()
    assert ask("a", 2) == "a2"
    memo.sweep()
    memo.sweep()
    assert ask("a", 2) == "a3"


def test_same_compares_objects_not_values() -> None:
    one, equal = [1], [1]
    assert Same([one]) == Same([one])
    assert Same([one]) != Same([equal])
    assert Same([one]) != Same([one, one])
