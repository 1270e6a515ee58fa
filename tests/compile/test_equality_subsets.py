"""Lanes with matchExpressions on platforms with equal labels only: refused, or approximated."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.compile.meshes import group, lane, mesh, service

from laneway.compile.equality_subsets import Platform, approximations, refused_groups, subset_labels
from laneway.model.findings import Severity
from laneway.model.label_selectors import LabelRequirement, Operator
from laneway.model.lanes import Lane
from laneway.wiring.dialects import render, unsupported

ISTIO = Platform("Istio", "ISTIO_SELECTOR_REFUSED", "ISTIO_SELECTOR_APPROXIMATED")
REST = LabelRequirement("lane", Operator.DOES_NOT_EXIST)
BETA = replace(lane("beta", "a"), selector={"lane": "beta"})


def base(*expressions: LabelRequirement, **selector: str) -> Lane:
    labels = {key.replace("_", "-"): value for key, value in selector.items()}
    return replace(lane("base", "a"), selector=labels, match_expressions=expressions)


def refused(*lanes: Lane) -> list[str]:
    declared = mesh([group("a")], lanes, [service("a")])
    found = list(refused_groups(declared, ISTIO))
    assert all(
        one.severity is Severity.ERROR and str(one.subject) == "LaneGroup test" for one in found
    )
    return [one.message for one in found]


def test_equal_labels_are_had_everywhere() -> None:
    assert refused(base(lane="base"), BETA) == []
    one_value = base(LabelRequirement("lane", Operator.IN, ("base",)))
    assert subset_labels(one_value) == {"lane": "base"}
    assert refused(one_value, BETA) == []
    declared = mesh([group("a")], [one_value, BETA], [service("a")])
    assert list(approximations(declared, declared.groups[0], ISTIO)) == []


def test_the_rest_is_refused_unless_a_label_tells_it_apart() -> None:
    [message] = refused(base(REST), BETA)
    assert "lane base from beta" in message
    assert refused(base(REST, tier="shop"), BETA)
    assert refused(base(REST, role="stable"), replace(BETA, selector={"role": "beta"})) == []
    # A lane that is only a lane of other services is not met.
    assert refused(base(REST, role="stable"), replace(BETA, services=())) == []


def test_a_hash_of_the_template_tells_no_lanes_apart() -> None:
    of_hash = replace(BETA, selector={"pod-template-hash": "2"})
    assert refused(base(REST, pod_template_hash="1"), of_hash)


def test_what_expressions_ask_besides_is_said_not_to_count() -> None:
    lanes = [base(REST, role="stable"), replace(BETA, selector={"role": "beta"})]
    declared = mesh([group("a")], lanes, [service("a")])
    [warning] = approximations(declared, declared.groups[0], ISTIO)
    assert warning.severity is Severity.WARNING
    assert "all pods with role=stable are lane base's" in warning.message


@pytest.mark.parametrize(
    ("dialect", "code"), [("istio", "ISTIO"), ("asm", "ASM"), ("gateway-api", "GATEWAY_API")]
)
def test_every_dialect_of_equal_labels_refuses_and_reports(dialect: str, code: str) -> None:
    declared = mesh([group("a")], [base(REST), BETA], [service("a")])
    found = {one.code: one.severity for one in unsupported(declared, dialect)}
    assert found[f"{code}_SELECTOR_REFUSED"] is Severity.ERROR
    lanes = [base(REST, role="stable"), replace(BETA, selector={"role": "beta"})]
    declared = mesh([group("a")], lanes, [service("a")])
    found = {one.code: one.severity for one in unsupported(declared, dialect)}
    assert found[f"{code}_SELECTOR_APPROXIMATED"] is Severity.WARNING
    assert f"{code}_SELECTOR_REFUSED" not in found
    assert "'role': 'stable'" in str(list(render(declared, dialect)))


def test_laneways_own_proxies_refuse_nothing() -> None:
    declared = mesh([group("a")], [base(REST), BETA], [service("a")])
    assert not any("SELECTOR" in one.code for one in unsupported(declared, "envoy"))
