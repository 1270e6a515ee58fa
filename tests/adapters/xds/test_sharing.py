from __future__ import annotations

from tests.adapters.xds.resources import cluster, endpoints

from laneway.adapters.xds.sharing import Shared


def test_a_resource_is_encoded_once() -> None:
    shared = Shared()
    assert shared.encoded(cluster("a")) is shared.encoded(cluster("a"))
    assert shared.encoded(cluster("a")) != shared.encoded(cluster("a", 2))


def test_what_is_used_survives_and_the_rest_goes() -> None:
    shared = Shared(kept_bytes=2000)
    used = shared.encoded(cluster("used"))
    dropped = shared.encoded(cluster("dropped"))
    for index in range(100):
        shared.encoded(endpoints(f"e{index}", index))
        assert shared.encoded(cluster("used")) is used
    assert shared.encoded(cluster("dropped")) is not dropped


def test_changes_between_two_maps_are_found_once() -> None:
    shared = Shared()
    same, a, b, c = (cluster(name) for name in ("same", "a", "b", "c"))
    before = {"same": same, "a": a, "b": b}
    after = {"same": same, "a": cluster("a", 2), "c": c}
    changes = shared.changes(before, after)
    assert changes == ["a", "c", "b"]
    assert shared.changes(before, after) is changes
    assert shared.changes(after, before) != changes
