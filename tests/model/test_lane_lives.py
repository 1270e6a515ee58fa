"""Which lanes count: not those that are disabled or expired, unless they serve as baselines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.compile.meshes import ROUTE_HEADER, group, lane, mesh, name, rule, service

from laneway.compile.lower import lower
from laneway.compile.simulate import Request, simulate
from laneway.model.checks import check
from laneway.model.checks.lane_lives import expired
from laneway.model.codes import Code
from laneway.model.findings import Severity
from laneway.model.group_defaults import mesh_of
from laneway.model.lane_lives import active, next_expiry
from laneway.model.meshes import Mesh

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PROMOTED: list[dict[str, Any]] = [{"baseline": "s2"}, {"service_baselines": {name("a"): "s2"}}]


def declared(group_fields: dict[str, Any] | None = None, **s2: Any) -> Mesh:
    lanes = [lane("s1", "a", rule("a")), lane("s2", "a", rule("a")), lane("s3", "a", rule("a"))]
    lanes[1] = replace(lanes[1], **s2)
    lanes[2] = replace(lanes[2], fallback=("s2",))
    return mesh([group("a", **(group_fields or {}))], lanes, [service("a")])


def served(declared: Mesh, lane_name: str | None) -> str | None:
    headers = {} if lane_name is None else {ROUTE_HEADER: lane_name}
    return simulate(declared, lower(declared), Request(headers=headers)).hops[0].served


def errors(declared: Mesh) -> list[str]:
    return [f.code for f in check(declared) if f.severity is Severity.ERROR]


def test_a_mesh_of_which_all_counts_is_the_same_object() -> None:
    whole = declared(expires_at=NOON)
    assert active(whole, NOON - SECOND) is whole
    assert active(whole) is whole


@pytest.mark.parametrize("life", [{"enabled": False}, {"expires_at": NOON}])
def test_requests_that_name_a_lane_that_does_not_count_are_without_a_lane(life: Any) -> None:
    assert served(active(declared(), NOON), "s2") == "s2"
    counting = active(declared(**life), NOON)
    assert served(counting, "s2") == served(counting, None) == "s1"
    assert served(counting, "s3") == "s3"
    assert errors(counting) == []


def test_a_fallback_does_not_lead_to_a_lane_that_does_not_count() -> None:
    counting = active(declared(enabled=False))
    assert [one.fallback for one in counting.lanes] == [(), ()]


def test_a_disabled_lane_may_be_referred_to() -> None:
    assert errors(declared(enabled=False)) == []


def test_weights_of_a_lane_that_does_not_count_are_the_baselines() -> None:
    counting = active(declared(enabled=False, weight=100))
    assert served(counting, None) == "s1"
    assert served(active(declared(weight=100)), None) == "s2"


@pytest.mark.parametrize("fields", PROMOTED, ids=["group", "service"])
def test_a_lane_that_serves_as_a_baseline_does_not_expire(fields: dict[str, Any]) -> None:
    promoted = declared(fields, expires_at=NOON)
    assert active(promoted, NOON) is promoted
    assert served(active(promoted, NOON), None) == "s2"
    assert list(expired(promoted, NOON)) == []
    assert next_expiry(promoted, NOON - SECOND) is None
    [warning] = [f for f in check(promoted) if f.path == ("spec", "expiresAt")]
    assert warning.severity is Severity.WARNING


@pytest.mark.parametrize("fields", PROMOTED, ids=["group", "service"])
def test_a_lane_that_serves_as_a_baseline_cannot_be_disabled(fields: dict[str, Any]) -> None:
    assert errors(declared(fields, enabled=False)) == [Code.BASELINE_DISABLED]


def test_promotion_is_one_write_and_undoing_it_restores_what_was() -> None:
    before = declared(expires_at=NOON)
    assert served(active(before, NOON), None) == "s1"
    promoted = declared({"service_baselines": {name("a"): "s2"}}, expires_at=NOON)
    assert served(active(promoted, NOON), None) == "s2"
    # Requests of other lanes reach the promoted version where their own lane has none.
    assert lower(active(promoted, NOON)).services[name("a")].baseline == "s2"
    assert active(declared(expires_at=NOON), NOON) == active(before, NOON)


def test_applying_an_expired_lane_is_an_error_from_that_second_on() -> None:
    assert list(expired(declared(expires_at=NOON), NOON - SECOND)) == []
    [finding] = expired(declared(expires_at=NOON), NOON)
    assert (finding.code, finding.field) == (Code.LANE_EXPIRED, "spec.expiresAt")


def test_the_next_expiry_is_the_earliest_of_lanes_that_count() -> None:
    one = declared(expires_at=NOON)
    lanes = (*one.lanes, replace(one.lanes[1], name="s4", expires_at=NOON + SECOND))
    both = replace(one, lanes=lanes)
    assert next_expiry(both, NOON - SECOND) == NOON
    assert next_expiry(both, NOON) == NOON + SECOND
    assert next_expiry(both, NOON + SECOND) is None
    assert next_expiry(declared(expires_at=NOON, enabled=False), NOON - SECOND) is None


def test_lanes_are_in_the_order_that_they_say() -> None:
    lanes = [
        replace(lane(text, "a"), order=order)
        for text, order in (("b", 0), ("c", 2), ("a", -1), ("d", 0))
    ]
    found = mesh_of([group("a"), *lanes, service("a")])
    assert [one.name for one in found.lanes] == ["a", "b", "d", "c"]
    assert found.baseline(found.groups[0]) is found.lanes[0]
