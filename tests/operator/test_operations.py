"""From what exists to what is desired: only what differs, in an order that breaks no request."""

from __future__ import annotations

from typing import Any

from tests.operator.fake_dialects import cluster, document, route

from laneway.compile.istio.kinds import KINDS, claims
from laneway.compile.ownership import MANAGED_BY
from laneway.operator.held_groups import Holds
from laneway.operator.manifests import CONTENT, Manifest, key_of, seal
from laneway.operator.operations import Apply, Delete, Phase, Reconciliation, reconcile, unclaimed


def rule(*subsets: str, name: str = "a", group: str = "g") -> dict[str, Any]:
    parts = [{"name": s, "labels": {"version": s}} for s in subsets]
    return document("DestinationRule", "v1", meta(name, group), host=name, subsets=parts)


def filters(*clusters: str) -> dict[str, Any]:
    return document("EnvoyFilter", "v1alpha3", meta("a"), configPatches=[*map(cluster, clusters)])


def routes(*lanes: str, name: str = "a", **more: Any) -> dict[str, Any]:
    http = [route(lane, name) for lane in lanes]
    spec = {"hosts": [f"{name}.default.svc.cluster.local"], "http": http, **more}
    return document("VirtualService", "v1", meta(name), **spec)


def entry(*lanes: str) -> dict[str, Any]:
    return routes(*lanes, name="in", gateways=["istio-system/gateway"])


def meta(name: str, group: str = "g") -> dict[str, Any]:
    return {"name": name, "namespace": "default", "labels": {"laneway.dev/group": group}}


def foreign(manifest: dict[str, Any], created: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    metadata = {"name": "users", "namespace": "default", "creationTimestamp": created}
    return {**manifest, "metadata": metadata}


def written(difference: Reconciliation) -> list[str]:
    """``add DestinationRule v1 v2``: phase, verb where it deletes, kind, and its parts' names."""
    lines = []
    for step in difference.steps:
        for operation in step.operations:
            gone = ["delete"] if isinstance(operation, Delete) else []
            spec = operation.manifest["spec"]
            parts = spec.get("subsets") or spec.get("http") or []
            names = [part["name"] for part in parts]
            names += [p["patch"]["value"]["name"] for p in spec.get("configPatches", ())]
            lines.append(" ".join([step.phase.value, *gone, operation.manifest["kind"], *names]))
    return lines


def test_what_routes_use_comes_before_them() -> None:
    desired = [entry("v1"), routes("v1"), filters("c1"), rule("v1")]
    assert written(reconcile(KINDS, desired, ())) == [
        "add DestinationRule v1",
        "add EnvoyFilter c1",
        "switch VirtualService v1",
        "switch VirtualService v1",
    ]
    last = reconcile(KINDS, desired, ()).steps[-1].operations[0].manifest
    assert last["metadata"]["name"] == "in"  # the gateway, once the mesh knows the way


def test_what_routes_used_goes_after_them() -> None:
    present = [seal(m) for m in (rule("v1"), filters("c1"), routes("v1"), entry("v1"))]
    difference = reconcile(KINDS, (), present)
    assert written(difference) == [
        "switch delete VirtualService v1",
        "switch delete VirtualService v1",
        "remove delete DestinationRule v1",
        "remove delete EnvoyFilter c1",
    ]
    assert difference.steps[0].operations[0].manifest["metadata"]["name"] == "in"


def extension(*names: str) -> dict[str, Any]:
    patches = [
        {"applyTo": "EXTENSION_CONFIG", "patch": {"operation": "ADD", "value": {"name": each}}}
        for each in names
    ]
    return document("EnvoyFilter", "v1alpha3", meta("module"), configPatches=patches)


def test_the_module_comes_before_the_filters_that_refer_to_it_and_goes_after_them() -> None:
    """A listener that refers to one which is not there would wait for it."""
    assert written(reconcile(KINDS, [filters("c1"), extension("m")], ())) == [
        "add EnvoyFilter m",
        "add EnvoyFilter c1",
    ]
    first, second = reconcile(KINDS, [filters("c1"), extension("m")], ()).steps
    assert (len(first.operations), len(second.operations)) == (1, 1)
    gone = reconcile(KINDS, (), [seal(extension("m")), seal(filters("c1"))])
    assert written(gone) == ["remove delete EnvoyFilter c1", "remove delete EnvoyFilter m"]
    assert len(gone.steps) == 2


def test_the_filter_of_a_former_version_goes_after_the_new_one_has_come() -> None:
    plugin = document("WasmPlugin", "v1alpha1", meta("a-lanes-inbound"), url="http://old")
    assert written(reconcile(KINDS, [filters("c1"), extension("m")], [seal(plugin)])) == [
        "add EnvoyFilter m",
        "add EnvoyFilter c1",
        "remove delete WasmPlugin",
    ]


def test_extension_configurations_of_one_object_are_told_apart_by_their_names() -> None:
    between = reconcile(KINDS, [extension("new")], [seal(extension("old"))]).steps[0]
    assert written(Reconciliation((between,))) == ["add EnvoyFilter new old"]


def test_what_a_user_has_rendered_is_taken_over_and_never_deleted() -> None:
    """It has laneway's label, but no operator's digest."""
    rendered = {**routes("v1"), "metadata": {**meta("a"), "labels": {MANAGED_BY: "laneway"}}}
    assert written(reconcile(KINDS, (), [rendered])) == []
    assert written(reconcile(KINDS, [routes("v1")], [rendered])) == ["switch VirtualService v1"]


def test_an_object_that_gains_and_loses_has_both_in_between() -> None:
    present = [seal(m) for m in (rule("v1", "v2"), filters("c1", "c2"), routes("v1", "v2"))]
    desired = [rule("v1", "v3"), filters("c1", "c3"), routes("v1", "v3")]
    assert written(reconcile(KINDS, desired, present)) == [
        "add DestinationRule v1 v3 v2",
        "add EnvoyFilter c1 c3 c2",
        "switch VirtualService v1 v3",
        "remove DestinationRule v1 v3",
        "remove EnvoyFilter c1 c3",
    ]


def test_an_object_that_only_loses_is_written_once_and_last() -> None:
    present = [seal(m) for m in (rule("v1", "v2"), routes("v1", "v2"))]
    assert written(reconcile(KINDS, [rule("v1"), routes("v1")], present)) == [
        "switch VirtualService v1",
        "remove DestinationRule v1",
    ]


def test_an_interrupted_change_goes_on_where_it_stopped() -> None:
    desired = [rule("v1", "v3"), routes("v1", "v3")]
    present = [seal(m) for m in (rule("v1", "v2"), routes("v1", "v2"))]
    first = reconcile(KINDS, desired, present).steps[0].operations[0]
    assert isinstance(first, Apply)
    half_way = [first.manifest, present[1]]
    assert written(reconcile(KINDS, desired, half_way)) == [
        "switch VirtualService v1 v3",
        "remove DestinationRule v1 v3",
    ]


def test_what_is_current_is_left_alone() -> None:
    desired = [rule("v1"), filters("c1"), routes("v1")]
    assert len(reconcile(KINDS, desired, [*map(seal, desired)])) == 0


def test_fields_that_others_add_are_no_drift() -> None:
    present = dict(seal(rule("v1")))
    present["spec"] = {**present["spec"], "exportTo": ["*"]}
    present["metadata"] = {**present["metadata"], "uid": "1", "resourceVersion": "7"}
    assert len(reconcile(KINDS, [rule("v1")], [present])) == 0


def drifted(change: Any) -> Manifest:
    present = dict(seal(rule("v1", "v2")))
    spec = {**present["spec"]}
    change(spec)
    return {**present, "spec": spec}


def test_drift_is_repaired() -> None:
    def another_host(spec: dict[str, Any]) -> None:
        spec["host"] = "elsewhere"

    def one_less(spec: dict[str, Any]) -> None:
        spec["subsets"] = spec["subsets"][:1]

    def other_labels(spec: dict[str, Any]) -> None:
        spec["subsets"] = [{"name": "v1", "labels": {"version": "v9"}}, spec["subsets"][1]]

    for change in (another_host, one_less, other_labels):
        assert written(reconcile(KINDS, [rule("v1", "v2")], [drifted(change)])) == [
            "add DestinationRule v1 v2"
        ], change.__name__


def test_a_subset_that_somebody_added_is_taken_out() -> None:
    def one_more(spec: dict[str, Any]) -> None:
        spec["subsets"] = [*spec["subsets"], {"name": "v9"}]

    difference = reconcile(KINDS, [rule("v1", "v2")], [drifted(one_more)])
    assert written(difference)[-1] == "remove DestinationRule v1 v2"


def test_objects_without_laneways_label_are_nobodys_to_touch() -> None:
    users = rule("v1")
    difference = reconcile(KINDS, [rule("v1", "v2")], [users])
    assert len(difference) == 0
    assert [key_of(other) for other in difference.collisions] == [key_of(users)]
    assert len(reconcile(KINDS, (), [users])) == 0


def test_held_groups_keep_what_they_have() -> None:
    present = [seal(rule("v1", name="a", group="g")), seal(rule("v1", name="b", group="h"))]
    difference = reconcile(KINDS, (), present, Holds(KINDS, {"g"}, present))
    assert [o.manifest["metadata"]["name"] for s in difference.steps for o in s.operations] == ["b"]


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    manifest = rule("v1")
    turned = {key: manifest[key] for key in reversed(manifest)}
    one, other = (seal(m)["metadata"]["annotations"][CONTENT] for m in (manifest, turned))
    assert one == other
    assert one != seal(rule("v2"))["metadata"]["annotations"][CONTENT]


def test_a_host_that_a_user_routes_is_left_to_them() -> None:
    users = foreign(routes("x"))
    free, taken = unclaimed([rule("v1"), routes("v1")], claims([users]))
    assert free == [rule("v1")]
    assert taken == [(routes("v1"), users)]


def test_short_hosts_are_resolved_as_istio_does() -> None:
    users = foreign(document("VirtualService", "v1", {}, hosts=["a"]))
    assert unclaimed([routes("v1")], claims([users]))[1]
    elsewhere = {**users, "metadata": {**users["metadata"], "namespace": "other"}}
    assert not unclaimed([routes("v1")], claims([elsewhere]))[1]


def test_at_a_gateway_routes_are_joined_and_claim_nothing() -> None:
    users = foreign(entry("x"))
    assert not unclaimed([entry("v1")], claims([users]))[1]
    assert not unclaimed([routes("v1", name="in")], claims([users]))[1]


def test_the_older_virtual_service_has_the_host() -> None:
    own = dict(seal(routes("v1")))
    own["metadata"] = {**own["metadata"], "creationTimestamp": "2026-03-01T00:00:00Z"}
    younger = foreign(routes("x"), "2026-04-01T00:00:00Z")
    older = foreign(routes("x"), "2026-02-01T00:00:00Z")
    assert not unclaimed([routes("v1")], claims([own, younger]))[1]
    assert unclaimed([routes("v1")], claims([own, older]))[1]


def test_phases_are_in_order() -> None:
    present = [seal(rule("v1", "v2")), seal(routes("v1", "v2"))]
    steps = reconcile(KINDS, [rule("v3"), routes("v3")], present).steps
    assert [step.phase for step in steps] == [Phase.ADD, Phase.SWITCH, Phase.REMOVE]
