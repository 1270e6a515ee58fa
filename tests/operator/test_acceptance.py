"""What is accepted of what is declared, and what becomes of the rest."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.wiring.declared_objects import gateway, group, lane, service

from laneway.adapters.kube.resources import SERVICES
from laneway.adapters.kube.retained_fields import trim_of
from laneway.compile.equality_subsets import refused_groups
from laneway.compile.istio.limits import PLATFORM
from laneway.model.meshes import Mesh
from laneway.operator.acceptance import Acceptance, accept
from laneway.operator.cluster_port import Observed
from laneway.operator.manifests import Key
from laneway.operator.planning import Planner
from laneway.operator.recorded_baselines import baseline_to_record
from laneway.operator.status import status_of
from laneway.wiring.dialects import istio

Object = dict[str, Any]
NO_VERSION = [{"key": "version", "operator": "DoesNotExist"}]


def aged(item: Object, created: str, *, programmed: bool = False) -> Object:
    conditions = [{"type": "Programmed", "status": str(programmed)}]
    metadata = {**item["metadata"], "creationTimestamp": created, "uid": "u", "managedFields": []}
    return {**item, "metadata": metadata, "status": {"conditions": conditions}}


def accepted(*declared: Object, services: str = "ab", gateways: bool = False) -> Acceptance:
    return accept(declared, [*map(served, services), *([gateway()] if gateways else [])])


def served(name: str) -> Object:
    """A Service as the operator's cache has it."""
    return trim_of(SERVICES)(service(name))


def names(acceptance: Acceptance) -> list[str]:
    return [lane.name for lane in acceptance.mesh.lanes]


def test_the_lane_created_first_is_the_baseline() -> None:
    found = accepted(
        group("a"), aged(lane("old"), "2026-01-01T00:00:00Z"), aged(lane("an"), "2026-02-01")
    )
    assert names(found) == ["old", "an"]
    assert found.findings == {}


def test_errors_are_told_of_the_object_that_has_them() -> None:
    found = accepted(group("a"), lane("v1"), aged(lane("v2", "z"), "2026-02-01"))
    assert names(found) == ["v1"]
    (finding,) = found.findings[Key("Lane", "", "v2")]
    assert "there is no Service default/z" in finding.message
    assert found.held == frozenset()
    assert found.left_out == {Key("Lane", "", "v2")}


def test_a_group_with_errors_takes_its_lanes_along_and_no_others() -> None:
    found = accepted(group("z"), lane("v1"), group("b", name="h"), lane("h1", of="h"), services="b")
    assert names(found) == ["h1"]
    assert set(found.findings) == {Key("LaneGroup", "", "g")} | {
        key for key in found.findings if key.kind == "Lane"
    }
    assert found.left_out == {Key("LaneGroup", "", "g"), Key("Lane", "", "v1")}


def test_an_active_lane_with_errors_has_its_group_held() -> None:
    broken = aged(lane("v2", "z"), "2026-02-01", programmed=True)
    found = accepted(group("a"), lane("v1"), broken, group("b", name="h"), lane("h1", of="h"))
    assert found.held == {"g"}
    assert names(found) == ["h1"]


def test_nothing_is_held_for_a_group_that_is_gone() -> None:
    found = accepted(aged(lane("v1"), "2026-02-01", programmed=True))
    assert found.held == frozenset()


def test_what_is_wrong_with_a_service_does_not_stop_others() -> None:
    odd = served("odd")
    odd["spec"]["ports"] = [{"name": "http", "port": 99999}]
    found = accept([group("a"), lane("v1")], [served("a"), odd])
    assert names(found) == ["v1"]
    assert found.findings == {}


def test_a_group_that_the_dialect_has_nothing_for_is_not_accepted() -> None:
    rest = lane("rest", selector={}, matchExpressions=NO_VERSION)
    declared = [group("a"), rest, lane("v1"), group("b", name="h"), lane("h1", of="h")]
    refuse = partial(refused_groups, platform=PLATFORM)
    found = accept(declared, map(served, "ab"), refuse=refuse)
    assert names(found) == ["h1"]
    [finding] = found.findings[Key("LaneGroup", "", "g")]
    assert finding.code == "ISTIO_SELECTOR_REFUSED"
    assert names(accept(declared, map(served, "ab"))) == ["h1", "rest", "v1"]


def test_operators_ask_their_dialect_what_it_has_nothing_for() -> None:
    rest = lane("rest", selector={}, matchExpressions=NO_VERSION)
    observed = Observed([group("a")], [rest, lane("v1")], [served("a")])
    plan = Planner(istio(b"module")).plan(observed)
    assert Key("LaneGroup", "", "g") in plan.acceptance.left_out
    assert not len(plan.difference)


def test_two_lanes_of_one_second_do_not_decide_which_is_the_baseline() -> None:
    lanes = [aged(lane(text), "2026-01-01T00:00:00Z") for text in ("v1", "v2")]
    found = accepted(group("a"), *lanes)
    [finding] = found.findings[Key("LaneGroup", "", "g")]
    assert (finding.code, finding.field) == ("UNDECIDED_BASELINE", "spec.baseline")
    reported = {**group("a"), "status": {"conditions": [{"type": "Programmed", "status": "False"}]}}
    assert accepted(reported, *lanes).findings != {}
    assert accepted(group("a", baseline="v2"), *lanes).findings == {}
    lanes[1]["spec"] = {**lanes[1]["spec"], "order": -1}
    ordered = accepted(group("a"), *lanes)
    assert ordered.findings == {}
    assert names(ordered) == ["v2", "v1"]
    # What was applied by an earlier version goes on.
    assert accepted(aged(group("a"), "2025-01-01", programmed=True), lanes[0]).findings == {}


def test_a_recorded_baseline_is_not_derived_again() -> None:
    lanes = [aged(lane("v1"), "2026-01-01"), aged(lane("v0", order=-1), "2026-02-01")]
    recorded = {**group("a"), "status": {"baseline": "v1"}}
    found = accepted(recorded, *lanes)
    assert found.mesh.groups[0].baseline == "v1"
    assert accepted(group("a"), *lanes).mesh.baseline(found.mesh.groups[0]) is not None
    stated = {**group("a", baseline="v0"), "status": {"baseline": "v1"}}
    assert accepted(stated, *lanes).mesh.groups[0].baseline == "v0"
    [finding] = accepted(recorded, lanes[1]).findings[Key("LaneGroup", "", "g")]
    assert finding.field == "spec.baseline"


def test_the_baseline_that_is_accepted_is_recorded_and_kept() -> None:
    first = group("a")
    found = accepted(first, aged(lane("v1"), "2026-01-01"), aged(lane("v2"), "2026-02-01"))
    assert baseline_to_record(first, found.mesh) == "v1"
    held = {**first, "status": {"baseline": "v1"}}
    assert baseline_to_record(held, Mesh()) == "v1"
    assert baseline_to_record(lane("v1"), found.mesh) is None
    status = status_of(first, [], None, "now", "v1")
    assert status["baseline"] == "v1"
