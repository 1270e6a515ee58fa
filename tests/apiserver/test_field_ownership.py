"""Server-side apply: who owns a field, and what becomes of the fields of several managers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laneway.apiserver.field_ownership import (
    APPLY,
    UPDATE,
    Conflicts,
    Manager,
    Owned,
    apply,
    owners_of,
    update,
    with_owners,
)
from laneway.apiserver.field_paths import fields
from laneway.apiserver.structure import Structure

V1 = "laneway.dev/v1alpha1"
KUBECTL = Manager("kubectl", APPLY, V1)
FLUX = Manager("flux", APPLY, V1)
EDIT = Manager("kubectl-edit", UPDATE, V1)
PORTS = ("spec", "ports")
STRUCTURE = Structure({PORTS: {"port": None, "protocol": "TCP"}}, frozenset({("spec", "selector")}))
NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def lane(labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "s1"}
    if labels is not None:
        metadata["labels"] = labels
    return {"apiVersion": V1, "kind": "Lane", "metadata": metadata, "spec": spec}


def applied(
    live: Any, wanted: Any, by: Manager = KUBECTL, *, force: bool = False, now: str = NOW
) -> dict[str, Any]:
    return apply(live, wanted, by, STRUCTURE, force=force, now=now)


def updated(live: Any, wanted: Any, by: Manager = EDIT, now: str = NOW) -> dict[str, Any]:
    return update(live, wanted, by, STRUCTURE, now=now)


def plain(manifest: dict[str, Any]) -> dict[str, Any]:
    metadata = {k: v for k, v in manifest["metadata"].items() if k != "managedFields"}
    return {**manifest, "metadata": metadata}


def test_whoever_applies_an_object_first_owns_all_its_fields() -> None:
    made = applied(None, lane({"team": "a"}, group="g", services=["x"]))
    assert plain(made) == lane({"team": "a"}, group="g", services=["x"])
    assert made["metadata"]["managedFields"] == [
        {
            "manager": "kubectl",
            "operation": "Apply",
            "apiVersion": V1,
            "time": NOW,
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:metadata": {"f:labels": {"f:team": {}}},
                "f:spec": {"f:group": {}, "f:services": {}},
            },
        }
    ]


def test_two_managers_own_different_fields() -> None:
    both = applied(applied(None, lane(group="g")), lane(weight=10), FLUX)
    assert plain(both) == lane(group="g", weight=10)
    assert {m.name: sorted(o.paths) for m, o in owners_of(both).items()} == {
        "kubectl": [("f:spec", "f:group")],
        "flux": [("f:spec", "f:weight")],
    }


def test_another_value_for_a_field_of_another_manager_is_a_conflict() -> None:
    made = applied(None, lane(group="g", weight=10))
    with pytest.raises(Conflicts) as caught:
        applied(made, lane(group="h", weight=20), FLUX)
    assert [str(conflict) for conflict in caught.value.conflicts] == [
        'conflict with "kubectl": .spec.group',
        'conflict with "kubectl": .spec.weight',
    ]
    assert str(caught.value) == 'conflicts with "kubectl":\n- .spec.group\n- .spec.weight'


def test_the_same_value_is_shared() -> None:
    both = applied(applied(None, lane(weight=10)), lane(weight=10), FLUX)
    assert {manager.name for manager in owners_of(both)} == {"kubectl", "flux"}
    without = applied(both, lane(), FLUX)
    assert plain(without) == lane(weight=10)


def test_force_takes_a_field_over() -> None:
    forced = applied(applied(None, lane(group="g", weight=10)), lane(weight=20), FLUX, force=True)
    assert plain(forced) == lane(group="g", weight=20)
    assert {m.name: sorted(o.paths) for m, o in owners_of(forced).items()} == {
        "kubectl": [("f:spec", "f:group")],
        "flux": [("f:spec", "f:weight")],
    }


def test_after_that_the_first_one_has_the_conflict() -> None:
    forced = applied(applied(None, lane(weight=10)), lane(weight=20), FLUX, force=True)
    with pytest.raises(Conflicts, match='conflict with "flux"'):
        applied(forced, lane(weight=10))


def test_what_is_no_longer_applied_goes_away() -> None:
    made = applied(None, lane({"a": "1", "b": "2"}, group="g", weight=10))
    assert plain(applied(made, lane({"a": "1"}, group="g"))) == lane({"a": "1"}, group="g")


def test_what_is_no_longer_applied_and_another_owns_stays() -> None:
    both = applied(applied(None, lane(group="g", weight=10)), lane(weight=10), FLUX)
    assert plain(applied(both, lane(group="g"))) == lane(group="g", weight=10)


def test_the_last_field_of_an_object_takes_the_object_with_it() -> None:
    made = applied(None, lane(group="g", header={"name": "x"}))
    assert plain(applied(made, lane(group="g"))) == lane(group="g")


def test_applying_the_same_again_changes_nothing_not_even_the_time() -> None:
    made = applied(None, lane({"a": "1"}, group="g"))
    assert applied(made, lane({"a": "1"}, group="g"), now=LATER) == made


def test_lists_have_one_owner_as_a_whole() -> None:
    made = applied(None, lane(services=["x"]))
    with pytest.raises(Conflicts, match=r": \.spec\.services"):
        applied(made, lane(services=["x", "y"]), FLUX)


def test_items_that_have_keys_have_owners_of_their_own() -> None:
    made = applied(None, lane(ports=[{"port": 80, "name": "http"}]))
    both = applied(made, lane(ports=[{"port": 90, "name": "grpc"}]), FLUX)
    assert plain(both) == lane(ports=[{"port": 80, "name": "http"}, {"port": 90, "name": "grpc"}])
    (entry,) = [e for e in both["metadata"]["managedFields"] if e["manager"] == "flux"]
    key = 'k:{"port":90,"protocol":"TCP"}'
    assert entry["fieldsV1"] == {
        "f:spec": {"f:ports": {key: {".": {}, "f:name": {}, "f:port": {}}}}
    }
    assert plain(applied(both, lane(ports=[]), FLUX)) == plain(made)


def test_a_conflict_within_an_item_names_its_keys() -> None:
    made = applied(None, lane(ports=[{"port": 80, "name": "http"}]))
    with pytest.raises(Conflicts, match=r': \.spec\.ports\[port=80,protocol="TCP"\]\.name'):
        applied(made, lane(ports=[{"port": 80, "name": "web"}]), FLUX)


def test_an_atomic_object_has_one_owner() -> None:
    made = applied(None, lane(selector={"app": "x"}))
    with pytest.raises(Conflicts, match=r": \.spec\.selector"):
        applied(made, lane(selector={"app": "x", "tier": "y"}), FLUX)


def test_an_update_takes_over_what_it_changes_and_no_more() -> None:
    made = applied(None, lane(group="g", weight=10))
    edited = updated(made, lane(group="g", weight=20))
    assert {m.name: sorted(o.paths) for m, o in owners_of(edited).items()} == {
        "kubectl": [("f:spec", "f:group")],
        "kubectl-edit": [("f:spec", "f:weight")],
    }


def test_what_an_update_removes_has_no_owner() -> None:
    made = applied(None, lane(group="g", weight=10))
    edited = updated(made, lane(group="g"))
    assert {m.name: sorted(o.paths) for m, o in owners_of(edited).items()} == {
        "kubectl": [("f:spec", "f:group")],
    }


def test_an_update_that_changes_nothing_owns_nothing() -> None:
    made = applied(None, lane(group="g"))
    assert updated(made, plain(made), now=LATER) == made


def test_owners_are_read_as_they_are_written() -> None:
    paths = frozenset({("f:spec", "f:group"), ("f:spec", "f:ports", 'k:{"port":80}')})
    owners = {KUBECTL: Owned(paths, NOW), EDIT: Owned(frozenset({("f:spec", "f:weight")}), LATER)}
    assert owners_of(with_owners(lane(), owners)) == owners


_SPECS = st.dictionaries(
    st.sampled_from(["group", "weight", "enabled"]), st.integers(0, 2), max_size=3
)


@given(st.lists(st.tuples(st.sampled_from([KUBECTL, FLUX]), _SPECS), max_size=6))
def test_forced_applies_end_as_each_manager_last_applied(
    writes: list[tuple[Manager, dict[str, int]]],
) -> None:
    live = applied(None, lane())
    latest: dict[Manager, dict[str, int]] = {}
    for by, spec in writes:
        live = applied(live, lane(None, **spec), by, force=True)
        for other, theirs in latest.items():
            if other != by:
                latest[other] = {k: v for k, v in theirs.items() if k not in spec or spec[k] == v}
        latest[by] = spec
        wanted = {k: v for theirs in latest.values() for k, v in theirs.items()}
        assert live.get("spec", {}) == wanted
        owned = {path for each in owners_of(live).values() for path in each.paths}
        assert owned - {("f:spec",)} == fields(live, STRUCTURE).keys() - {("f:spec",)}
