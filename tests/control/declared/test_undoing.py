"""A request that was applied is undone: what it changed is as before, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

from tests.compile.meshes import group, lane, rule, service
from tests.control.declared.declared_states import BLUE, SHOP, Declaring, files, lanes, put, remove

from laneway.control.declared import ChangeSet, Declaration, NotProgrammed, Put, Remove
from laneway.model.acceptance import Standing
from laneway.model.findings import ObjectKey
from laneway.model.keys import Declared
from laneway.model.meshes import Mesh

BLUE_KEY = ObjectKey("Lane", "test/blue")
GREEN = lane("green", "a", rule("a"))
GREEN_KEY = ObjectKey("Lane", "test/green")
INVALID = replace(GREEN, fallback=("nowhere",))
HEAVY = replace(GREEN, weight=3)


def together(*objects: Declared, without: tuple[ObjectKey, ...] = ()) -> ChangeSet:
    puts = [Put(Declaration(each)) for each in objects]
    return ChangeSet("api", (*puts, *map(Remove, without)), force=True)


async def shop(*more: Declared) -> Declaring:
    """The shop, written object by object."""
    declaring = Declaring()
    for each in (*SHOP, *more):
        await declaring.apply(put(each))
    return declaring


async def taken_back(declaring: Declaring, request: ChangeSet) -> None:
    applied = await declaring.applied(request)
    assert applied.made is not None
    await declaring.declarations.undo(applied.made)


async def test_all_is_as_before_but_the_version() -> None:
    declaring = await shop()
    before, mesh = declaring.state, declaring.machine.mesh
    await taken_back(declaring, together(replace(BLUE, weight=9), GREEN))
    assert declaring.machine.mesh == mesh
    assert declaring.state == replace(before, version=before.version + 2)


async def test_an_object_that_was_invalid_and_ran_meanwhile_runs_no_more() -> None:
    declaring = await shop(INVALID)
    await taken_back(declaring, together(GREEN))
    assert lanes(declaring.machine.mesh) == ["test/base", "test/blue"]
    assert declaring.state.status(GREEN_KEY).standing is Standing.NOT_ACCEPTED


async def test_the_same_holds_if_something_else_was_written_since() -> None:
    declaring = await shop(INVALID)
    applied = await declaring.applied(together(GREEN, without=(BLUE_KEY,)))
    assert applied.made is not None
    await declaring.applied(put(lane("other", "a", rule("a"))))
    await declaring.declarations.undo(applied.made)
    assert sorted(lanes(declaring.machine.mesh)) == ["test/base", "test/blue", "test/other"]
    assert declaring.state.objects.by_key[GREEN_KEY].declared == INVALID


async def test_what_was_written_again_since_stays_as_it_was_written() -> None:
    declaring = await shop()
    applied = await declaring.applied(together(GREEN))
    assert applied.made is not None
    again = replace(GREEN, weight=5)
    await declaring.applied(put(again))
    await declaring.declarations.undo(applied.made)
    assert again in declaring.machine.mesh.lanes


async def test_what_was_deleted_since_stays_deleted() -> None:
    declaring = await shop(GREEN)
    applied = await declaring.applied(together(replace(GREEN, weight=5)))
    assert applied.made is not None
    await declaring.applied(remove("Lane", "test/green"))
    await declaring.declarations.undo(applied.made)
    assert lanes(declaring.machine.mesh) == ["test/base", "test/blue"]


async def test_what_proxies_rejected_before_is_not_tried_again() -> None:
    declaring = await shop()
    declaring.machine.rejects = lambda mesh: "too heavy" if HEAVY in mesh.lanes else ""
    await declaring.applied(put(HEAVY))
    before, tried = declaring.state, len(declaring.machine.tried)
    applied = await declaring.applied(together(GREEN))
    assert applied.made is not None
    await declaring.applied(put(replace(BLUE, weight=1)))
    await declaring.declarations.undo(applied.made)
    assert not any(HEAVY in mesh.lanes for mesh in declaring.machine.tried[tried:])
    assert declaring.state.failures == before.failures


async def test_a_group_that_had_no_lane_takes_the_next_one_as_its_baseline() -> None:
    declaring = await shop(service("c"), group("c", "other"))
    first = lane("first", "c", rule("c", hosts=("c.test",)), group="other")
    applied = await declaring.applied(together(first))
    assert applied.made is not None
    assert declaring.state.baselines["other"] == "first"
    await declaring.applied(put(replace(BLUE, weight=1)))
    await declaring.declarations.undo(applied.made)
    await declaring.applied(put(replace(first, name="second")))
    assert declaring.state.baselines["other"] == "second"
    assert "other/second" in lanes(declaring.machine.mesh)


async def test_what_failed_before_does_not_hinder_after_an_invalid_write() -> None:
    declaring = await shop()
    heavy = replace(GREEN, name="heavy", weight=3)
    declaring.machine.rejects = lambda mesh: "too heavy" if heavy in mesh.lanes else ""
    await declaring.applied(put(heavy))
    applied = await declaring.applied(together(GREEN))
    assert applied.made is not None
    await declaring.applied(put(INVALID))
    await declaring.declarations.undo(applied.made)
    assert lanes(declaring.machine.mesh) == ["test/base", "test/blue"]


async def test_an_object_that_was_taken_over_is_given_back() -> None:
    declaring = Declaring()
    await declaring.applied(files(*SHOP))
    await taken_back(declaring, together(replace(BLUE, weight=9)))
    assert declaring.state.objects.by_key[BLUE_KEY].source == "files"


async def test_what_proxies_reject_leaves_state_and_mesh() -> None:
    declaring = await shop()
    applied = await declaring.applied(together(GREEN))
    assert applied.made is not None
    state, mesh = declaring.state, declaring.machine.mesh

    def rejects(mesh: Mesh) -> str:
        return "no"

    declaring.machine.rejects = rejects
    outcome = await declaring.declarations.undo(applied.made)
    assert isinstance(outcome, NotProgrammed)
    assert (declaring.state, declaring.machine.mesh) == (state, mesh)
