"""A group that names no baseline keeps the first one that it had."""

from __future__ import annotations

from dataclasses import replace

from tests.compile.meshes import lane, rule
from tests.control.declared.declared_states import (
    BASE,
    BLUE,
    GROUP,
    SHOP,
    Declaring,
    files,
    lanes,
    planned,
    put,
    refused,
    remove,
)

from laneway.control.declared import (
    ChangeSet,
    Declaration,
    DeclaredState,
    Put,
    Remove,
    Write,
    Writes,
)
from laneway.model.acceptance import Standing
from laneway.model.codes import Code
from laneway.model.findings import ObjectKey

GREEN = lane("green", "a b", rule("a"))
WRITTEN = tuple(map(put, SHOP))


def baseline(state: DeclaredState) -> str:
    found = state.mesh.baseline(state.mesh.groups_by_name["test"])
    assert found is not None
    return found.name


def test_a_lane_that_comes_to_stand_before_the_baseline_does_not_replace_it() -> None:
    for state in (
        planned(*WRITTEN, put(replace(GREEN, order=-1))),
        planned(*WRITTEN, put(GREEN), put(replace(BASE, order=1))),
    ):
        assert lanes(state.mesh)[0] != "test/base"
        assert (baseline(state), state.baselines) == ("base", {"test": "base"})


def test_a_mesh_is_the_same_object_for_object_as_long_as_the_first_lane_is_the_baseline() -> None:
    state = planned(*WRITTEN)
    assert state.mesh.groups == (GROUP,)
    assert planned(*WRITTEN, put(BLUE)).mesh == state.mesh


def test_a_group_whose_baseline_is_removed_is_held_and_a_change_set_is_refused() -> None:
    state = planned(*WRITTEN, put(GREEN))
    gone = planned(*WRITTEN, put(GREEN), remove("Lane", "test/base"))
    assert gone.status(ObjectKey("LaneGroup", "test")).standing is Standing.HELD
    assert baseline(gone) == "base"  # its last valid state
    request = ChangeSet("api", (Remove(ObjectKey("Lane", "test/base")),))
    (finding,) = refused(state, request).findings
    assert (finding.code, finding.path) == (Code.UNKNOWN_BASELINE, ("spec", "baseline"))


def test_a_group_that_names_another_baseline_keeps_that_one_from_then_on() -> None:
    named = (*WRITTEN, put(GREEN), put(replace(GROUP, baseline="green")))
    state = planned(*named, remove("Lane", "test/base"))
    assert lanes(state.mesh) == ["test/blue", "test/green"]
    assert state.status(ObjectKey("LaneGroup", "test")).standing is Standing.ACCEPTED
    assert baseline(planned(*named, put(GROUP))) == "green"


def test_what_the_status_says_is_kept_after_a_restart() -> None:
    stored = (BLUE, BASE, GROUP, *SHOP[3:])
    puts = [Put(Declaration(each)) for each in stored if each is not GROUP]
    recorded = Put(Declaration(GROUP), recorded_baseline="base")
    assert baseline(planned(Writes("store", (*puts, recorded)))) == "base"
    alone = (Write("store", edit) for edit in (*puts, recorded))
    assert baseline(planned(*alone)) == "base"


def test_a_group_that_was_deleted_and_created_again_has_its_first_lane() -> None:
    again = (
        Remove(ObjectKey("LaneGroup", "test")),
        Remove(ObjectKey("Lane", "test/base")),
        Put(Declaration(GROUP)),
    )
    state = planned(*WRITTEN, put(GREEN), remove("Lane", "test/blue"), Writes("api", again))
    assert (baseline(state), state.baselines) == ("green", {"test": "green"})
    gone = planned(*WRITTEN, remove("LaneGroup", "test"))
    assert gone.baselines == {}


async def test_a_write_that_the_mesh_does_not_take_changes_no_baseline() -> None:
    declaring = Declaring()
    for request in (*WRITTEN, put(GREEN)):
        await declaring.applied(request)
    declaring.machine.rejects = lambda mesh: "no" if mesh.groups[0].baseline == "green" else ""
    await declaring.applied(put(replace(GROUP, baseline="green")))
    assert (baseline(declaring.state), declaring.state.baselines) == ("base", {"test": "base"})


def test_in_files_the_first_lane_is_the_baseline_each_time() -> None:
    state = planned(files(*SHOP, GREEN), files(GROUP, GREEN, BASE, BLUE, *SHOP[3:]))
    assert baseline(state) == "green"
