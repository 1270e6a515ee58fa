"""Lanes that have workloads in common: what is certain is reported, once for each lane."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.compile.meshes import group, lane, mesh, name, service, workload

from laneway.model.checks import check
from laneway.model.codes import Code
from laneway.model.findings import Severity
from laneway.model.label_selectors import LabelRequirement, Operator
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.workloads import Workload

REST = LabelRequirement("lane", Operator.DOES_NOT_EXIST)
SHARING = {Code.SHARED_WORKLOADS, Code.BASELINE_SHARES_WORKLOADS}


def found(declared: Mesh) -> list[tuple[str, str, Severity]]:
    return [
        (str(finding.subject), finding.message, finding.severity)
        for finding in check(declared)
        if finding.code in SHARING
    ]


def labelled(app: str, **labels: str) -> Workload:
    return replace(
        workload(app, "v"),
        name=name("-".join([app, *labels.values()])),
        labels={"app": app, **labels},
    )


def of(lanes: list[Lane], *workloads: Workload, **fields: Any) -> Mesh:
    services = [service("web"), service("cart")]
    declared = mesh([group("web cart", **fields)], lanes, services)
    return replace(declared, workloads=workloads)


def base(**fields: Any) -> Lane:
    return replace(lane("base", "web cart"), **fields)


BETA = replace(lane("beta", "cart"), selector={"lane": "beta"})


def test_a_baseline_of_every_pod_has_the_lanes_pods_too() -> None:
    every = base(selector={"tier": "shop"})
    pods = [
        labelled(app, tier="shop", **more)
        for app in ("web", "cart")
        for more in ({}, {"lane": "beta"})
    ]
    [(subject, message, severity)] = found(of([every, BETA], *pods))
    assert (subject, severity) == ("Lane test/beta", Severity.ERROR)
    assert "baseline base" in message
    assert "Workload default/cart-shop-beta" in message


def test_a_baseline_of_what_has_no_lane_label_has_none_of_them() -> None:
    rest = base(selector={"tier": "shop"}, match_expressions=(REST,))
    pods = [labelled("cart", tier="shop"), labelled("cart", tier="shop", lane="beta")]
    assert found(of([rest, BETA], *pods)) == []


def test_selectors_alone_are_enough_where_one_implies_the_other() -> None:
    narrower = replace(BETA, selector={"tier": "shop", "lane": "beta"})
    [(subject, message, severity)] = found(of([base(selector={"tier": "shop"}), narrower]))
    assert (subject, severity) == ("Lane test/beta", Severity.ERROR)
    assert "tier=shop, lane=beta" in message
    [(_, _, severity)] = found(of([narrower, base(selector={"tier": "shop"})], baseline="base"))
    assert severity is Severity.ERROR


def test_selectors_that_may_meet_or_not_are_not_reported_without_pods() -> None:
    assert found(of([base(selector={"tier": "shop"}), BETA])) == []


def test_two_lanes_besides_the_baseline_are_warned_of() -> None:
    gamma = replace(BETA, name="gamma", selector={"owner": "jack"})
    lanes = [base(selector={"lane": "none"}), BETA, gamma]
    [(subject, message, severity)] = found(of(lanes, labelled("cart", lane="beta", owner="jack")))
    assert (subject, severity) == ("Lane test/gamma", Severity.WARNING)
    assert "with beta" in message


def test_the_baseline_of_the_service_counts() -> None:
    gamma = replace(BETA, name="gamma")
    lanes = [base(selector={"lane": "none"}), BETA, gamma]
    [(_, _, severity)] = found(of(lanes, service_baselines={name("cart"): "gamma"}))
    assert severity is Severity.ERROR


def test_lanes_without_a_service_in_common_share_nothing() -> None:
    web = replace(lane("other", "web"), selector={"lane": "beta"})
    assert (
        found(of([base(selector={"lane": "none"}), BETA, web], labelled("cart", lane="beta"))) == []
    )


@pytest.mark.parametrize("who", ["base", "beta"])
def test_what_is_wanted_is_said_by_either_lane(who: str) -> None:
    lanes = [base(selector={"tier": "shop"}), replace(BETA, selector={"tier": "shop"})]
    assert found(of(lanes))
    said = [
        replace(x, shares_workloads_with=("beta", "base")) if x.name == who else x for x in lanes
    ]
    assert found(of(said)) == []


def test_a_thousand_lanes_are_looked_at_quickly_and_told_of_once_each() -> None:
    alike = [replace(BETA, name=f"l{number}", selector={"lane": "x"}) for number in range(1000)]
    reported = found(of([base(selector={"lane": "none"}), *alike]))
    assert len(reported) == 999
    assert all(len(message) < 300 for _, message, _ in reported)


def test_lanes_of_different_groups_are_not_compared() -> None:
    groups = [group("web"), LaneGroup("two", (name("cart"),), "x-lane", "x-lane")]
    lanes = [lane("a", "web"), replace(lane("a", "cart", group="two"))]
    assert found(mesh(groups, lanes, [service("web"), service("cart")])) == []
