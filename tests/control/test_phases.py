"""What proxies should have in each phase of a change: nothing that is used is ever missing."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from tests.compile.edit_strategies import successions

from laneway.adapters.xds.protocol.references import references
from laneway.compile.envoy.emitter import Emitter
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.lower import lower
from laneway.compile.placeholder_placements import placeholder_placements
from laneway.compile.resources import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    ROUTE,
    SCOPE,
    Layers,
    Resources,
    Snapshot,
)
from laneway.compile.shared_map import SharedMap
from laneway.control.phases import Phase, compose
from laneway.model.meshes import Mesh

OPTIONS = Options(FilterModule("filter.wasm"))
Snapshots = Mapping[str, Snapshot]


def emitted(meshes: list[Mesh]) -> tuple[Snapshots, Snapshots]:
    emitter = Emitter(OPTIONS)
    first, last = (emitter(each, lower(each), placeholder_placements(each)) for each in meshes)
    return first, last


def plain(resources: Resources) -> dict[str, str]:
    return {name: resource.version for name, resource in resources.items()}


@given(successions())
def test_what_is_new_is_added_and_then_used_while_what_is_old_is_there(meshes: list[Mesh]) -> None:
    before, after = emitted([meshes[0], meshes[-1]])
    add, switch = (compose(before, after, phase) for phase in Phase)
    for node in before.keys() & after.keys():
        for url in after[node].types:
            old, new = (plain(each[node].resources(url)) for each in (before, after))
            added, switched = (plain(each[node].resources(url)) for each in (add, switch))
            assert switched == {**old, **new}
            if url in (LISTENER, SCOPE, ROUTE):
                assert added == old
            else:
                assert added == ({**old, **new} if url == CLUSTER else {**new, **old})


@given(successions())
def test_no_scope_ever_leads_to_routes_that_are_not_there(meshes: list[Mesh]) -> None:
    before, after = emitted([meshes[0], meshes[-1]])
    for phase in Phase:
        for snapshot in compose(before, after, phase).values():
            routes = snapshot.resources(ROUTE)
            for scope in snapshot.resources(SCOPE).values():
                (name,) = references(scope)
                assert name in routes


@given(successions())
def test_what_proxies_share_stays_one_object(meshes: list[Mesh]) -> None:
    before, after = emitted([meshes[0], meshes[-1]])
    for phase in Phase:
        snapshots = compose(before, after, phase)
        both = [snapshots[node] for node in before.keys() & after.keys()]
        for url in (CLUSTER, ENDPOINT):
            layers = [each.resources(url) for each in both]
            assert all(isinstance(each, Layers) for each in layers)
            shared = {id(each.shared): each.shared for each in layers if isinstance(each, Layers)}
            assert [type(each) for each in shared.values()] == [SharedMap]
