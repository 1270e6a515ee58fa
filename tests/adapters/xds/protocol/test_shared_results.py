from __future__ import annotations

from tests.adapters.xds.resources import cluster, endpoints

from laneway.adapters.xds.protocol.shared_results import SharedResults
from laneway.compile.resources import Layers
from laneway.compile.shared_map import SharedMap


def test_a_resource_is_encoded_once() -> None:
    shared = SharedResults()
    assert shared.encoded(cluster("a")) is shared.encoded(cluster("a"))
    assert shared.encoded(cluster("a")) != shared.encoded(cluster("a", 2))


def test_what_is_used_survives_and_the_rest_goes() -> None:
    shared = SharedResults(generation_bytes=2000)
    used = shared.encoded(cluster("used"))
    dropped = shared.encoded(cluster("dropped"))
    for index in range(100):
        shared.encoded(endpoints(f"e{index}", index))
        assert shared.encoded(cluster("used")) is used
    assert shared.encoded(cluster("dropped")) is not dropped


def test_changes_between_two_maps_are_found_once() -> None:
    shared = SharedResults()
    same, a, b, c = (cluster(name) for name in ("same", "a", "b", "c"))
    before = SharedMap.of([same, a, b])
    after = before.edited(["b"], [cluster("a", 2), c])
    changes = shared.changes(before, after)
    assert sorted(changes) == ["a", "b", "c"]
    assert shared.changes(before, after) is changes
    assert shared.changes(after, before) is not changes
    assert shared.changes(before, before) == []


def test_changes_of_layers_are_those_of_both() -> None:
    shared = SharedResults()
    mine, other, a = (cluster(name) for name in ("mine", "other", "a"))
    before = Layers({"mine": mine}, SharedMap.of([a]))
    after = Layers({"other": other}, SharedMap.of([cluster("a", 2)]))
    assert sorted(shared.changes(before, after)) == ["a", "mine", "other"]
    assert shared.changes(before, Layers(before.own, before.shared)) == []
    assert sorted(shared.changes({}, after)) == ["a", "other"]
