"""What a status says, when it changes, and what is told as Events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.operator.test_acceptance import aged, served
from tests.wiring.declared_objects import endpoints, group, lane, pod

from laneway.model.findings import Finding, ObjectKey
from laneway.model.lanes import Lane
from laneway.model.names import ObjectName
from laneway.operator.acceptance import accept
from laneway.operator.ready_instances import Instances, Readiness
from laneway.operator.shared_pods import shared_pods
from laneway.operator.status import Condition, Result, conditions, notes, status_of

A = ObjectName("default", "a")
V1 = Lane("v1", "g", {"version": "v1"}, (A,))


def readiness(**ready: bool) -> Readiness:
    return Readiness([endpoints("a", **ready)], [pod("a", version) for version in ("v1", "v2")])


def found(result: Result = Result(), **ready: bool) -> dict[str, Condition]:  # noqa: B008
    item = lane("v1")
    acceptance = accept([group("a"), item], [served("a")])
    got, _ = conditions(item, acceptance, result, readiness(**ready))
    return {condition.type: condition for condition in got}


def test_instances_are_counted_by_the_lanes_selector() -> None:
    assert readiness(v1=True, v2=True).of(V1) == (Instances(A, 1, 1),)
    assert readiness(v1=False, v2=True).of(V1) == (Instances(A, 0, 1),)
    assert readiness(v2=True).of(V1) == (Instances(A, 0, 0),)
    assert Readiness((), ()).of(V1) == (Instances(A, 0, 0),)


def test_a_pod_with_two_addresses_counts_once() -> None:
    both = Readiness([endpoints("a", v1=True), endpoints("a", v1=True)], [pod("a", "v1")])
    assert both.of(V1) == (Instances(A, 1, 1),)


def test_a_state_that_nobody_knows_is_ready() -> None:
    unknown = endpoints("a", v1=True)
    unknown["endpoints"][0]["conditions"] = {}
    assert Readiness([unknown], [pod("a", "v1")]).of(V1) == (Instances(A, 1, 1),)


def test_all_is_well() -> None:
    assert [c.status for c in found(v1=True).values()] == [True, True, True]


def test_what_failed_makes_it_neither_programmed_nor_ready() -> None:
    got = found(Result(failures={"g": ["apply: no"]}), v1=True)
    assert got["Programmed"] == Condition("Programmed", False, "Failed", "apply: no")
    assert got["Ready"].reason == "NotProgrammed"


def test_what_istio_cannot_do_is_said() -> None:
    limit = Finding("ISTIO_X", "in Istio it is otherwise", "know it", path=("spec", "mode"))
    got = found(Result(limits={ObjectKey("Lane", "g/v1"): [limit]}), v1=True)
    assert got["Programmed"].message == "spec.mode: in Istio it is otherwise; know it"


def status(item: dict[str, Any], ready: bool, now: str) -> dict[str, Any]:
    return status_of(item, [Condition("Ready", ready, "SO_IT_IS")], None, now)


def test_a_condition_keeps_the_time_of_its_last_transition() -> None:
    item = lane("v1")
    first = status(item, True, "09:00")
    later = status({**item, "status": first}, True, "10:00")
    assert later == first
    changed = status({**item, "status": first}, False, "11:00")
    assert changed["conditions"][0]["lastTransitionTime"] == "11:00"
    assert changed["conditions"][0]["reason"] == "SoItIs"


def test_only_transitions_are_told() -> None:
    valid, applied = Condition("Accepted", True, "Valid"), Condition("Programmed", True, "Applied")
    ready = Condition("Ready", True, "InstancesReady")
    item = lane("v1")
    told = list(notes(item, [valid, applied, ready]))
    assert [(note.reason, note.warning) for note in told] == [("Applied", False)]
    reported = {**item, "status": status_of(item, [valid, applied, ready], None, "09:00")}
    assert list(notes(reported, [valid, applied, ready])) == []
    lost = Condition("Ready", False, "NoReadyInstance", "none of a")
    (note,) = notes(reported, [valid, applied, lost])
    assert (note.reason, note.text, note.warning) == ("NoReadyInstance", "none of a", True)


def test_a_held_lane_says_why() -> None:
    broken = aged(lane("v2", "z"), "2026-02-01", programmed=True)
    fine = aged(lane("v1"), "2026-01-01", programmed=True)
    acceptance = accept([group("a"), fine, broken], [served("a")])
    for item in (fine, broken):
        got, _ = conditions(item, acceptance, Result(), readiness(v1=True))
        programmed = {c.type: c for c in got}["Programmed"]
        assert (programmed.status, programmed.reason) == (True, "Held")
        assert "because of errors in Lane v2" in programmed.message


def test_pods_of_two_lanes_are_a_condition_of_both_unless_it_is_wanted() -> None:
    both = {**pod("a", "v1")}
    both["metadata"] = {**both["metadata"], "labels": {"version": "v1", "owner": "jack"}}
    known = Readiness([endpoints("a", v1=True)], [both])
    lanes = [aged(lane("v1"), "2026-01-01"), aged(lane("jack"), "2026-02-01")]
    lanes[1]["spec"] = {**lanes[1]["spec"], "selector": {"owner": "jack"}}
    for said, count in (([], 1), (["v1"], 0)):
        lanes[1]["spec"] = {**lanes[1]["spec"], "sharesWorkloadsWith": said}
        acceptance = accept([group("a"), *lanes], [served("a")])
        assert acceptance.findings == {}
        shared = shared_pods(acceptance.mesh, known)
        for item, other in zip(lanes, ("jack", "v1"), strict=True):
            got, _ = conditions(item, acceptance, Result(), known, shared)
            shares = [each for each in got if each.type == "SharesWorkloads"]
            assert len(shares) == count
            assert all(f"also belongs to lane {other}" in each.message for each in shares)
            assert [note.warning for note in notes(item, got) if "also belongs" in note.text] == [
                True
            ] * count


@pytest.mark.parametrize(
    ("life", "reason"),
    [({"enabled": False}, "Disabled"), ({"expiresAt": "2026-06-01T12:00:00Z"}, "Expired")],
)
def test_a_lane_that_does_not_count_is_accepted_and_not_programmed(life: Any, reason: str) -> None:
    ended = aged(lane("v2", **life), "2026-02-01", programmed=True)
    declared = [group("a"), aged(lane("v1"), "2026-01-01"), ended]
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    acceptance = accept(declared, [served("a")], now=noon)
    assert [one.name for one in acceptance.mesh.lanes] == ["v1"]
    assert acceptance.findings == {}
    got, instances = conditions(ended, acceptance, Result(), readiness(v1=True, v2=True))
    found = {each.type: each for each in got}
    assert [found[kind].status for kind in ("Accepted", "Programmed", "Ready")] == [
        True,
        False,
        False,
    ]
    assert found["Programmed"].reason == reason
    assert instances is None
    before = accept(declared, [served("a")], now=noon - timedelta(seconds=1))
    assert before.expires == (noon if reason == "Expired" else None)
