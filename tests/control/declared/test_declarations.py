"""Requests to a running mesh: what it takes is recorded, what it refuses changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.compile.meshes import group, lane, rule, service
from tests.control.declared.declared_states import (
    BASE,
    BLUE,
    NOON,
    SHOP,
    Declaring,
    files,
    planned,
    put,
    remove,
)

from laneway.compile.envoy.limits import check
from laneway.control.declared import (
    Declarations,
    NotProgrammed,
    OwnedByAnother,
    Programmed,
    Unchanged,
    VersionConflict,
)
from laneway.model.acceptance import Standing
from laneway.model.findings import ObjectKey
from laneway.model.keys import Declared
from laneway.model.meshes import Mesh

BLUE_KEY = ObjectKey("Lane", "test/blue")
HEAVY = replace(BLUE, weight=3)
OTHER: tuple[Declared, ...] = (
    service("c"),
    group("c", "other"),
    lane("first", "c", rule("c", hosts=("c.test",)), group="other"),
)


def rejects_heavy(mesh: Mesh) -> str:
    return "proxy p rejected r: too heavy" if HEAVY in mesh.lanes else ""


async def shop() -> Declaring:
    """The shop, written object by object."""
    declaring = Declaring()
    for each in SHOP:
        await declaring.applied(put(each))
    return declaring


async def test_what_is_applied_runs_and_is_told_field_by_field() -> None:
    declaring = Declaring()
    first = await declaring.applied(files(*SHOP))
    assert first.version == declaring.state.version == 1
    second = await declaring.applied(files(*SHOP[:2], HEAVY, *SHOP[3:]))
    assert isinstance(second.outcome, Programmed)
    (difference,) = second.outcome.differences
    assert (difference.change, difference.name, difference.fields) == (
        "changed",
        "test/blue",
        ["spec.weight"],
    )
    assert declaring.machine.mesh == declaring.state.mesh
    assert HEAVY in declaring.machine.mesh.lanes


async def test_the_same_again_disturbs_nobody() -> None:
    declaring = Declaring()
    await declaring.applied(files(*SHOP))
    again = await declaring.applied(files(*SHOP))
    assert (again.version, again.outcome) == (1, Unchanged())
    assert len(declaring.machine.tried) == 1


async def test_conflicts_are_told_and_nothing_is_tried() -> None:
    declaring = Declaring()
    await declaring.applied(files(*SHOP))
    assert (await declaring.refused(put(HEAVY))).conflicts == (OwnedByAnother(BLUE_KEY, "files"),)
    stale = await declaring.refused(files(), version=0)
    assert stale.conflicts == (VersionConflict(None, 0, 1),)
    assert len(declaring.machine.tried) == 1


async def test_a_change_set_that_proxies_reject_leaves_state_and_mesh() -> None:
    declaring = Declaring()
    await declaring.applied(files(*SHOP))
    before, declaring.machine.rejects = declaring.state, rejects_heavy
    refused = await declaring.refused(files(*SHOP[:2], HEAVY, *SHOP[3:]))
    assert refused.outcome is not None
    assert refused.outcome.rejections == ("proxy p rejected r: too heavy",)
    assert declaring.state is before
    assert declaring.machine.mesh == before.mesh


async def test_a_change_set_of_which_something_cannot_be_started_leaves_state_and_mesh() -> None:
    declaring = Declaring()
    await declaring.applied(files(*SHOP))
    before, declaring.machine.stops = declaring.state, lambda mesh: "no such command"
    refused = await declaring.refused(files(*SHOP[:2], HEAVY, *SHOP[3:]))
    assert refused.outcome is not None
    assert refused.outcome.reason == "no such command"
    assert isinstance(refused.outcome.error, OSError)
    assert declaring.state is before


async def test_a_single_write_that_proxies_reject_is_stored_and_its_group_held() -> None:
    declaring = await shop()
    declaring.machine.rejects = rejects_heavy
    result = await declaring.applied(put(HEAVY))
    assert isinstance(result.outcome, NotProgrammed)
    status = declaring.state.status(BLUE_KEY)
    assert (status.standing, status.version) == (Standing.HELD, result.version)
    assert "too heavy" in status.findings[0].message
    assert BLUE in declaring.machine.mesh.lanes
    assert declaring.state.mesh == declaring.machine.mesh


async def test_a_write_that_failed_stops_no_other_group() -> None:
    declaring = await shop()
    declaring.machine.rejects = rejects_heavy
    await declaring.applied(put(HEAVY))
    tried = len(declaring.machine.tried)
    for each in OTHER:
        result = await declaring.applied(put(each))
        assert not isinstance(result.outcome, NotProgrammed)
    assert [each.name for each in declaring.machine.mesh.lanes].count("first") == 1
    assert all(HEAVY not in mesh.lanes for mesh in declaring.machine.tried[tried:])


async def test_a_write_that_failed_is_tried_again_with_its_group() -> None:
    declaring = await shop()
    declaring.machine.rejects = rejects_heavy
    await declaring.applied(put(HEAVY))
    await declaring.applied(put(replace(BASE, weight=1)))
    assert BASE in declaring.machine.mesh.lanes  # held, since the group is still rejected
    declaring.machine.rejects = lambda mesh: ""
    await declaring.applied(put(replace(BASE, weight=2)))
    assert {each.weight for each in declaring.machine.mesh.lanes} == {2, 3}
    assert declaring.state.failures == ()


async def test_a_write_that_failed_is_mended_by_another() -> None:
    declaring = await shop()
    declaring.machine.rejects = rejects_heavy
    await declaring.applied(put(HEAVY))
    lighter = replace(BLUE, weight=2)
    assert isinstance((await declaring.applied(put(lighter))).outcome, Programmed)
    assert lighter in declaring.machine.mesh.lanes
    assert declaring.state.status(BLUE_KEY).standing is Standing.ACCEPTED


async def test_a_removal_that_the_mesh_cannot_take_is_refused() -> None:
    declaring = await shop()
    declaring.machine.rejects = lambda mesh: "" if BLUE in mesh.lanes else "still needed"
    refused = await declaring.refused(remove("Lane", "test/blue"))
    assert refused.outcome is not None
    assert BLUE_KEY in declaring.state.objects.by_key
    assert BLUE in declaring.machine.mesh.lanes


async def test_what_cannot_be_taken_over_stays_as_it_runs_and_holds_up_nothing_else() -> None:
    """Another program ran the shop; by now a lane is declared that proxies reject."""
    declaring = Declaring()
    await declaring.applied(files(*SHOP, source="api"))
    declared = planned(files(*SHOP[:2], HEAVY, *SHOP[3:], source="api"))
    machine = declaring.machine
    taking = declaring.declarations = Declarations(
        declared, machine, check, lambda: 0.0, lambda: NOON
    )
    machine.rejects = rejects_heavy
    assert isinstance(await taking.take_over(), NotProgrammed)
    assert taking.state.mesh == machine.mesh
    assert BLUE in machine.mesh.lanes
    assert taking.state.status(BLUE_KEY).standing is Standing.HELD
    for each in OTHER:
        await declaring.applied(put(each))
    assert [each.name for each in machine.mesh.lanes] == ["base", "blue", "first"]
    lighter = replace(BLUE, weight=2)
    assert isinstance((await declaring.applied(put(lighter))).outcome, Programmed)
    assert lighter in machine.mesh.lanes


async def test_requests_that_overlap_are_applied_one_after_another() -> None:
    declaring = Declaring()
    await declaring.applied(files(*SHOP))
    names = [f"l{number}" for number in range(5)]
    writes = [put(lane(each, "a"), source=each) for each in names]
    results = await asyncio.gather(*(declaring.apply(each) for each in writes))
    assert [result.version for result in results] == [2, 3, 4, 5, 6]
    assert [each.name for each in declaring.machine.mesh.lanes] == ["base", "blue", *names]


async def test_of_two_writers_that_saw_one_version_one_is_refused() -> None:
    declaring = Declaring()
    await declaring.applied(files(*SHOP))
    writes = (declaring.apply(put(lane(each, "a")), version=1) for each in ("l1", "l2"))
    first, second = await asyncio.gather(*writes)
    assert first.version == second.version == 2
    assert [each.name for each in declaring.machine.mesh.lanes] == ["base", "blue", "l1"]


@pytest.mark.parametrize("turns", range(6))
async def test_a_request_that_is_cancelled_is_recorded_exactly_if_it_runs(turns: int) -> None:
    declaring = Declaring()
    await declaring.applied(files(*SHOP))
    task = asyncio.create_task(declaring.apply(files(*SHOP[:2], HEAVY, *SHOP[3:])))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert declaring.state.mesh == declaring.machine.mesh
    assert declaring.state.version == (2 if HEAVY in declaring.machine.mesh.lanes else 1)
