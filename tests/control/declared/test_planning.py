"""Change sets are refused as a whole; single writes are held group by group."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.compile.meshes import group, lane, rule, service, workload
from tests.control.declared.declared_states import (
    BASE,
    BLUE,
    GROUP,
    JACK,
    SHOP,
    files,
    lanes,
    planned,
    put,
    refused,
    remove,
)

from laneway.adapters.files import read
from laneway.compile.envoy.limits import check
from laneway.control.declared import ChangeSet, DeclaredState, ReplaceAll, Write
from laneway.control.declared.planning import plan
from laneway.model.acceptance import Standing
from laneway.model.findings import ObjectKey
from laneway.model.keys import Declared
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.workloads import WorkloadPort

BLUE_KEY = ObjectKey("Lane", "test/blue")
BROKEN = replace(BLUE, services=(*BLUE.services, service("z").name))
FIRST = lane("first", "c", rule("c", hosts=("c.test",)), group="other")
OTHER: tuple[Declared, ...] = (group("c", "other"), FIRST)
C = service("c")


def standing(state: DeclaredState, kind: str, name: str) -> Standing:
    return state.status(ObjectKey(kind, name)).standing


def test_a_lane_takes_from_its_group_whichever_source_declares_it() -> None:
    bare = Lane("green", "test", {"version": "green"}, ())
    rules = (rule("a"),)
    owner = replace(GROUP, ingress=rules)
    state = planned(files(owner, *SHOP[1:]), put(bare, source="api"))
    (green,) = (each for each in state.mesh.lanes if each.name == "green")
    assert green.services == owner.services
    assert green.ingress == rules
    (declared,) = (o.declared for o in state.objects.ordered if o.source == "api")
    assert declared == bare  # as it was written: it follows the group
    fewer = replace(owner, services=owner.services[:1])
    base = replace(BASE, services=fewer.services)
    after = planned(files(owner, *SHOP[1:]), put(bare, source="api"), files(fewer, base, *SHOP[2:]))
    (green,) = (each for each in after.mesh.lanes if each.name == "green")
    assert green.services == fewer.services


def test_a_change_set_is_refused_whole_with_all_that_is_wrong() -> None:
    state = planned(files(*SHOP))
    unknown = lane("lost", "a", group="nowhere")
    found = refused(state, files(*SHOP[:2], BROKEN, unknown, *SHOP[3:]))
    assert {(f.code, str(f.subject)) for f in found.findings} == {
        ("UNKNOWN_SERVICE", "Lane test/blue"),
        ("UNKNOWN_GROUP", "Lane nowhere/lost"),
    }
    assert found.version == 1


def test_a_change_set_that_makes_objects_of_others_invalid_is_refused() -> None:
    state = planned(files(*SHOP), put(lane("green", "b")))
    without = (replace(GROUP, services=GROUP.services[:1]), lane("base", "a", rule("a")))
    found = refused(state, files(*without, *SHOP[2:]))
    assert [str(f.subject) for f in found.findings] == ["Lane test/green"]


def test_a_change_set_is_not_refused_for_what_was_invalid_before() -> None:
    state = planned(files(*SHOP), put(lane("lost", "a", group="nowhere")))
    assert standing(state, "Lane", "nowhere/lost") is Standing.NOT_ACCEPTED
    request = files(*SHOP[:2], replace(BLUE, weight=1), *SHOP[3:])
    after = plan(state, request, JACK, active=state.mesh, check=check)
    assert isinstance(after, DeclaredState)
    assert replace(BLUE, weight=1) in after.mesh.lanes


def test_a_change_set_that_mends_is_applied() -> None:
    state = planned(files(*SHOP), put(lane("lost", "c", group="other")))
    mended = planned(files(*SHOP), put(lane("lost", "c", group="other")), files(*SHOP, *OTHER, C))
    assert standing(state, "Lane", "other/lost") is Standing.NOT_ACCEPTED
    assert standing(mended, "Lane", "other/lost") is Standing.ACCEPTED


def test_a_written_object_that_was_never_active_is_left_out_alone() -> None:
    state = planned(files(*SHOP), put(lane("green", "z")))
    assert lanes(state.mesh) == ["test/base", "test/blue"]
    status = state.status(ObjectKey("Lane", "test/green"))
    assert status.standing is Standing.NOT_ACCEPTED
    assert [f.code for f in status.findings] == ["UNKNOWN_SERVICE"]
    assert standing(state, "LaneGroup", "test") is Standing.ACCEPTED


def test_a_written_object_that_is_active_has_its_group_held_at_its_last_valid_state() -> None:
    others: tuple[Declared, ...] = (C, *OTHER)
    api = tuple(map(put, others))
    state = planned(*map(put, SHOP), *api, put(BROKEN), put(replace(BASE, weight=7)))
    assert BLUE in state.mesh.lanes
    assert BASE in state.mesh.lanes  # its group's lanes do not change either
    assert standing(state, "Lane", "test/blue") is Standing.HELD
    assert standing(state, "Lane", "test/base") is Standing.HELD
    assert state.status(BLUE_KEY).findings[0].code == "UNKNOWN_SERVICE"
    assert standing(state, "Lane", "other/first") is Standing.ACCEPTED


def test_other_groups_change_while_one_is_held() -> None:
    others: tuple[Declared, ...] = (C, *OTHER)
    api = tuple(map(put, others))
    first = replace(FIRST, weight=9)
    state = planned(*map(put, SHOP), *api, put(BROKEN), put(first))
    assert first in state.mesh.lanes
    assert BLUE in state.mesh.lanes


def test_a_group_is_free_again_when_its_errors_are_gone() -> None:
    state = planned(
        *map(put, SHOP), put(BROKEN), put(replace(BASE, weight=7)), put(replace(BLUE, weight=3))
    )
    assert [each.weight for each in state.mesh.lanes] == [7, 3]
    assert standing(state, "Lane", "test/blue") is Standing.ACCEPTED


def test_a_service_that_a_group_needs_goes_on_while_the_group_is_held() -> None:
    state = planned(*map(put, SHOP), remove("Service", "default/b"))
    assert service("b") in state.mesh.services
    assert standing(state, "LaneGroup", "test") is Standing.HELD
    codes = [f.code for f in state.status(ObjectKey("LaneGroup", "test")).findings]
    assert codes == ["UNKNOWN_SERVICE"]


def test_a_workload_with_errors_goes_on_as_it_was() -> None:
    def at(app: str, listen: int) -> Write:
        return put(replace(workload(app, "v-base"), ports=(WorkloadPort(8000, listen=listen),)))

    state = planned(*map(put, SHOP), at("a", 7001), at("b", 7002), at("b", 7001))
    assert {p.listen for w in state.mesh.workloads for p in w.ports} == {7001, 7002}
    assert standing(state, "Workload", "default/b-v-base") is Standing.HELD


def test_a_new_object_yields_to_what_is_held() -> None:
    """Both would be valid alone, but the held object still claims what the new one needs."""
    gave_up = replace(GROUP, services=GROUP.services[:1])  # and its baseline still has b
    rival: tuple[Declared, ...] = (
        group("b", "rival"),
        lane("r", "b", rule("b", hosts=("b.test",)), group="rival"),
    )
    state = planned(*map(put, SHOP), put(gave_up), *map(put, rival))
    assert standing(state, "LaneGroup", "test") is Standing.HELD
    assert lanes(state.mesh) == ["test/base", "test/blue"]
    assert standing(state, "LaneGroup", "rival") is Standing.NOT_ACCEPTED
    assert standing(state, "Lane", "rival/r") is not Standing.ACCEPTED
    assert not [f for f in check(state.mesh) if f.severity.value == "error"]


def test_findings_say_where_the_document_of_their_object_is(tmp_path: Path) -> None:
    file = tmp_path / "lanes.yaml"
    text = "apiVersion: laneway.dev/v1alpha1\nkind: Lane\nmetadata: {name: green}\n"
    file.write_text(f"---\n{text}spec: {{group: test, selector: {{v: '1'}}, services: [z]}}\n")
    reading = read([str(file)], whole=False)
    request = ChangeSet("files", ReplaceAll(reading.declarations))
    (finding,) = refused(planned(*map(put, SHOP)), request).findings
    where = f"{file}:2 (document 1): error UNKNOWN_SERVICE: Lane test/green, spec.services[0]"
    assert str(finding).startswith(where)


def test_what_is_checked_is_checked_again_beside_other_sources() -> None:
    mine = replace(files(*SHOP[:2], BROKEN, *SHOP[3:]), checked=True)
    trusted = plan(DeclaredState(), mine, JACK, active=Mesh(), check=check)
    assert isinstance(trusted, DeclaredState)
    assert BROKEN in trusted.mesh.lanes
    beside = planned(put(C))
    assert [f.code for f in refused(beside, mine).findings] == ["UNKNOWN_SERVICE"]
