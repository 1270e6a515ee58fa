"""What stays as it is while a group has errors, and what others may still do."""

from __future__ import annotations

from typing import Any

import pytest
from tests.operator.fake_dialects import cluster, document

from laneway.compile.istio.kinds import KINDS
from laneway.compile.ownership import GROUPS
from laneway.operator.held_groups import Hold, Holds
from laneway.operator.manifests import Manifest, groups_of, seal
from laneway.operator.operations import Delete, Phase, Reconciliation, reconcile


def made(kind: str, name: str, *groups: str, **spec: Any) -> Manifest:
    metadata: dict[str, Any] = {"name": name, "namespace": "default"}
    metadata["labels"] = {"laneway.dev/group": groups[0]}
    if len(groups) > 1:
        metadata["annotations"] = {GROUPS: ",".join(groups)}
    return seal(document(kind, "v1", metadata, **spec))


def entry(host: str, *groups: str, gateway: str = "default/gate") -> Manifest:
    name = f"gate-{host}".replace("*", "any")
    return made("VirtualService", name, *groups, hosts=[host], gateways=[gateway], http=[])


def rule(name: str, group: str, *subsets: str) -> Manifest:
    return made("DestinationRule", name, group, subsets=[{"name": s} for s in subsets])


def filters(*clusters: str, groups: tuple[str, ...]) -> Manifest:
    return made("EnvoyFilter", "gate", *groups, configPatches=[*map(cluster, clusters)])


def written(difference: Reconciliation) -> list[str]:
    return [
        f"{step.phase.value}{' delete' if isinstance(operation, Delete) else ''} "
        f"{operation.manifest['kind']} {operation.manifest['metadata']['name']}"
        for step in difference.steps
        for operation in step.operations
    ]


def test_nothing_is_held_without_a_held_group() -> None:
    assert Holds(KINDS, (), [entry("*", "g", "h")]).of(entry("*", "g")) is Hold.FREE


def test_a_held_groups_own_objects_are_frozen_and_others_free() -> None:
    holds = Holds(KINDS, {"h"})
    assert holds.of(rule("a", "h")) is Hold.FROZEN
    assert holds.of(rule("a", "g")) is Hold.FREE
    assert holds.of(made("VirtualService", "x", "g", hosts=["a"], http=[])) is Hold.FREE


@pytest.mark.parametrize(
    ("host", "hold"),
    [
        ("c.example.com", Hold.FROZEN),
        ("x.c.example.com", Hold.FREE),
        ("a.example.com", Hold.FREE),
        ("*", Hold.FREE),
    ],
)
def test_a_frozen_entry_holds_its_own_host_only(host: str, hold: Hold) -> None:
    assert Holds(KINDS, {"h"}, [entry("c.example.com", "g", "h")]).of(entry(host, "g")) is hold


def test_a_frozen_entry_for_all_hosts_holds_every_host_of_its_gateway() -> None:
    """A VirtualService for a narrower host would take the held group's requests from it."""
    holds = Holds(KINDS, {"h"}, [entry("*", "g", "h")])
    assert holds.of(entry("a.example.com", "g")) is Hold.FROZEN
    assert holds.of(entry("a.example.com", "g", gateway="default/other")) is Hold.FREE


def test_what_a_frozen_entry_may_lead_to_stays() -> None:
    """Group g loses lane v2 while group h, with which it shares a host, has errors."""
    present = [entry("*", "g", "h"), rule("a", "g", "v1", "v2"), rule("c", "h", "w1")]
    desired = [entry("*", "g"), rule("a", "g", "v1")]
    assert written(reconcile(KINDS, desired, present, Holds(KINDS, {"h"}, present))) == []
    assert written(reconcile(KINDS, desired[1:], present, Holds(KINDS, {"h"}, present))) == []
    free = reconcile(KINDS, [*desired, present[2]], present)
    assert written(free) == ["switch VirtualService gate-any", "remove DestinationRule a"]


def test_a_group_that_goes_leaves_what_a_frozen_entry_may_lead_to() -> None:
    present = [entry("*", "g", "h"), rule("a", "g", "v1"), rule("b", "f", "v1")]
    assert written(reconcile(KINDS, (), present, Holds(KINDS, {"h"}, present))) == [
        "remove delete DestinationRule b"
    ]


def test_others_gain_at_a_gateway_that_is_held() -> None:
    present = [entry("c.example.com", "h"), filters("h-cluster", groups=("h",))]
    desired = [entry("a.example.com", "g"), filters("g-cluster", groups=("g",))]
    holds = Holds(KINDS, {"h"}, present)
    difference = reconcile(KINDS, desired, present, holds)
    assert written(difference) == [
        "add EnvoyFilter gate",
        "switch VirtualService gate-a.example.com",
    ]
    ((grown,), _) = (step.operations for step in difference.steps)
    patched = [p["patch"]["value"]["name"] for p in grown.manifest["spec"]["configPatches"]]
    assert patched == ["h-cluster", "g-cluster"]
    assert groups_of(grown.manifest) == {"g", "h"}
    after = [present[0], grown.manifest, seal(desired[0])]
    assert written(reconcile(KINDS, desired, after, Holds(KINDS, {"h"}, after))) == []
    # Once nothing is held, what is emitted for both groups takes its place.
    both = [present[0], entry("a.example.com", "g"), filters("g-cluster", groups=("g", "h"))]
    last = reconcile(KINDS, both, after).steps[-1]
    (left,) = (operation.manifest["spec"]["configPatches"] for operation in last.operations)
    assert (last.phase, [p["patch"]["value"]["name"] for p in left]) == (
        Phase.REMOVE,
        ["g-cluster"],
    )
