"""From a store to a mesh and back: what becomes of single writes, and what their statuses say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.control.declared.declared_states import Declaring, put
from tests.wiring.reconciled_stores import (
    ALL_TRUE,
    ENTRY,
    WEB,
    Serving,
    group,
    lane,
    manifest,
    serving,
)

from laneway.adapters.store.memory import MemoryStore
from laneway.apiserver.lane_status import Proxies
from laneway.control.control_plane import Change
from laneway.control.revisions import Draft, Revision
from laneway.model.meshes import Mesh
from laneway.wiring import reconciliation
from laneway.wiring.reconciliation import STATUS
from laneway.wiring.stored_declarations import STORE, declared_at_start


@pytest.fixture
async def shop() -> AsyncIterator[Serving]:
    async with serving() as made:
        await made.write(web=WEB, entry=ENTRY, shop=group(), base=lane("base"), s1=lane("s1"))
        yield made


async def test_what_is_written_is_brought_about_and_its_status_says_so(shop: Serving) -> None:
    assert shop.lanes() == ["shop/base", "shop/s1"]
    for name in ("shop", "base", "s1"):
        assert shop.conditions(name) == ALL_TRUE


async def test_writes_that_come_in_together_are_one_change() -> None:
    async with serving() as made:
        await made.write(web=WEB, entry=ENTRY, shop=group(), base=lane("base"), s1=lane("s1"))
        assert len(made.machine.tried) < 5


async def test_the_order_of_writes_does_not_matter() -> None:
    async with serving() as made:
        for name, each in {"base": lane("base"), "shop": group()}.items():
            await made.write(**{name: each})
        assert made.conditions("base")["Programmed"] == ("False", "GroupNotAccepted")
        assert made.conditions("shop")["Accepted"][0] == "False"
        await made.write(entry=ENTRY)
        await made.write(web=WEB)
        assert made.conditions("base") == made.conditions("shop") == ALL_TRUE


async def test_an_invalid_change_holds_the_group_at_its_last_valid_state(shop: Serving) -> None:
    await shop.write(shop=group(services=["web", "nowhere"]))
    assert [str(name) for name in shop.machine.mesh.groups[0].services] == ["default/web"]
    assert shop.conditions("shop")["Accepted"] == ("False", "UnknownService")
    assert shop.conditions("shop")["Programmed"] == ("True", "Held")
    await shop.write(shop=group())
    assert shop.conditions("shop") == ALL_TRUE


async def test_what_is_deleted_is_gone(shop: Serving) -> None:
    await shop.write(s1=None)
    assert shop.lanes() == ["shop/base"]


async def test_a_lane_may_change_its_group(shop: Serving) -> None:
    await shop.write(s1=lane("s1", "bank"))
    assert shop.lanes() == ["shop/base"]
    assert shop.conditions("s1")["Accepted"][0] == "False"


async def test_what_proxies_reject_is_said_and_the_mesh_runs_on(shop: Serving) -> None:
    shop.machine.rejects = lambda mesh: "bad regex" if len(mesh.lanes) > 2 else ""
    await shop.write(s2=lane("s2"))
    assert shop.lanes() == ["shop/base", "shop/s1"]
    assert shop.conditions("s2")["Accepted"] == ("False", "NotProgrammed")
    assert shop.conditions("s1")["Ready"] == ("True", "InstancesReady")
    shop.machine.rejects = lambda mesh: ""
    await shop.write(s2=lane("s2", weight=5))
    assert shop.conditions("s2") == ALL_TRUE


async def test_of_writes_that_came_together_only_the_one_at_fault_is_not_taken(
    shop: Serving,
) -> None:
    def rejects(mesh: Mesh) -> str:
        return "bad regex" if any(lane.name == "bad" for lane in mesh.lanes) else ""

    shop.machine.rejects = rejects
    await shop.write(s2=lane("s2"), bad=lane("bad"), s3=lane("s3"))
    assert set(shop.lanes()) == {"shop/base", "shop/s1", "shop/s2", "shop/s3"}
    assert shop.conditions("bad")["Accepted"] == ("False", "NotProgrammed")


async def test_instances_that_become_ready_show_in_the_status(shop: Serving) -> None:
    shop.ready = 0
    shop.reconciliation.wake()
    async with asyncio.timeout(30):
        while shop.conditions("s1")["Ready"][0] == "True":  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert shop.conditions("s1")["Ready"] == ("False", "NoReadyInstance")


async def test_proxies_that_are_away_are_counted(shop: Serving) -> None:
    shop.proxies = Proxies(3, 2)
    await shop.write(s2=lane("s2"))
    (stored,) = [each for key, each in shop.store.objects.items() if key.name == "s2"]
    (programmed,) = [
        c for c in stored.manifest["status"]["conditions"] if c["type"] == "Programmed"
    ]
    assert programmed["message"] == "1 of 3 proxies are not connected"


async def test_proxies_that_have_not_acknowledged_are_named(shop: Serving) -> None:
    shop.proxies = Proxies(3, 3, (), ("router~entry.default",))
    await shop.write(s2=lane("s2"))
    (stored,) = [each for key, each in shop.store.objects.items() if key.name == "s2"]
    (programmed,) = [
        c for c in stored.manifest["status"]["conditions"] if c["type"] == "Programmed"
    ]
    assert (programmed["status"], programmed["reason"]) == ("False", "NotAcknowledged")
    assert programmed["message"] == (
        "1 of 3 proxies have not acknowledged it yet: router~entry.default"
    )


async def test_a_write_during_a_change_has_no_status_before_it_is_brought_about(
    shop: Serving,
) -> None:
    """Each status is of the weight that runs."""
    weights: list[tuple[int, int]] = []

    def hear(revision: Revision, before: object) -> None:
        for key, written in revision.draft.writes.items():
            if revision.draft.reason == STATUS and key.name == "s1" and written is not None:
                (running,) = [each for each in shop.machine.mesh.lanes if each.name == "s1"]
                weights.append((written["spec"]["weight"], running.weight))

    shop.store.listen(hear)
    more: list[asyncio.Task[Revision]] = []
    (key,) = [each for each in shop.store.objects if each.name == "s1"]

    def during(mesh: Mesh) -> str:
        if not more:
            draft = Draft({key: weighted(2, generation=3)}, "jack", "kubectl")
            appending = shop.store.append(draft, expected=shop.store.submitted)
            more.append(asyncio.create_task(appending))
        return ""

    shop.machine.rejects = during
    await shop.write(s1=weighted(1, generation=2))
    await shop.reconciliation.reached((await more[0]).number)
    assert weights == [(2, 2)]


def weighted(weight: int, generation: int) -> dict[str, Any]:
    made = lane("s1", weight=weight)
    return {**made, "metadata": {**made["metadata"], "generation": generation}}


async def test_what_is_declared_again_comes_last_as_after_a_restart(shop: Serving) -> None:
    """A group's first lane may be its baseline."""
    (key,) = [each for each in shop.store.submitted_objects if each.name == "base"]
    gone = Draft({key: None}, "jack", "kubectl")
    deleting = asyncio.create_task(shop.store.append(gone, expected=shop.store.submitted))
    await asyncio.sleep(0)
    await shop.write(base=lane("base"))
    await deleting
    assert shop.lanes() == ["shop/s1", "shop/base"]
    again = Declaring()
    await again.applied(declared_at_start(shop.store.objects))
    assert again.machine.mesh == shop.machine.mesh


async def test_a_deletion_that_proxies_reject_is_made_up_for(shop: Serving) -> None:
    """No status says that it is outstanding, and nobody deletes the lane again."""
    shop.machine.rejects = lambda mesh: "" if len(mesh.lanes) > 1 else "bad route"
    await shop.write(s1=None)
    assert shop.lanes() == ["shop/base", "shop/s1"]
    assert shop.reports == ["Lane shop/s1: bad route"]
    shop.machine.rejects = lambda mesh: ""
    await shop.write(s2=lane("s2"))
    assert shop.lanes() == ["shop/base", "shop/s2"]


async def test_a_deletion_that_proxies_reject_is_tried_again_without_a_write(
    shop: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "_RETRY", 0.01)
    shop.machine.rejects = lambda mesh: "bad route"
    await shop.write(s1=None)
    shop.machine.rejects = lambda mesh: ""
    shop.reconciliation.wake()
    async with asyncio.timeout(30):
        while shop.lanes() != ["shop/base"]:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_a_lane_that_proxies_reject_is_not_tried_at_a_restart(shop: Serving) -> None:
    """Proxies that have just started would be left with no routes at all."""

    def rejects(mesh: Mesh) -> str:
        return "bad regex" if any(lane.name == "bad" for lane in mesh.lanes) else ""

    shop.machine.rejects = rejects
    await shop.write(bad=lane("bad"))
    before = shop.conditions("bad")
    started = Declaring()
    await started.applied(declared_at_start(shop.store.objects))
    assert [each.name for each in started.machine.mesh.lanes] == ["base", "s1"]
    async with serving(await stored_again(shop), started=False) as again:
        async with asyncio.timeout(30):
            while not again.reconciliation.began:  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert again.lanes() == ["shop/base", "shop/s1"]
        assert again.conditions("bad") == before
        await again.write(bad=lane("bad", weight=1))
        assert again.lanes() == ["shop/base", "shop/s1", "shop/bad"]


async def test_a_lane_that_is_being_changed_has_no_new_status_until_then(shop: Serving) -> None:
    """Some proxies have its next state already, as when a change set is applied."""
    shop.proxies = Proxies(3, 3, behind=("p",))
    await shop.write(other=manifest("Service", "other", WEB["spec"], "v1"))
    programmed = ("False", "NotAcknowledged")
    assert (
        shop.conditions("s1")["Programmed"] == shop.conditions("base")["Programmed"] == programmed
    )
    switched, rest, original = asyncio.Event(), asyncio.Event(), shop.machine.change

    async def slow(mesh: Mesh) -> Change:
        change = await original(mesh)
        switched.set()
        await rest.wait()
        return change

    shop.machine.change = slow  # type: ignore[method-assign]
    (lane_s1,) = [each for each in shop.machine.mesh.lanes if each.name == "s1"]
    heavy = put(replace(lane_s1, weight=7), source=STORE)
    changing = asyncio.create_task(shop.declaring.apply(heavy))
    await switched.wait()
    shop.proxies = Proxies(3, 3)
    await shop.write(another=manifest("ConfigMap", "another", {}, "v1"))
    assert shop.conditions("base") == ALL_TRUE
    assert shop.conditions("s1")["Programmed"] == programmed
    rest.set()
    await changing
    shop.reconciliation.wake()
    await shop.write(another=None)
    assert shop.conditions("s1") == ALL_TRUE


async def test_a_status_that_has_not_changed_is_not_written_again(shop: Serving) -> None:
    latest = shop.store.latest
    shop.reconciliation.wake()
    await asyncio.sleep(0.05)
    assert shop.store.latest == latest


async def stored_again(standing: Serving, **replaced: dict[str, Any]) -> MemoryStore:
    """A store with the same objects, but for some that have another ``spec``."""
    store = MemoryStore(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    for key, stored in sorted(standing.store.objects.items(), key=lambda item: item[1].created):
        manifest = {**stored.manifest, "spec": replaced.get(key.name, stored.manifest["spec"])}
        await store.append(Draft({key: manifest}, "jack", "kubectl"), expected=store.latest)
    return store


async def test_what_cannot_be_read_after_an_upgrade_stays_and_is_said(shop: Serving) -> None:
    store = await stored_again(shop, s1={"gone": True}, web={"gone": True})
    async with serving(store, started=False) as again:
        unreadable = {key.name for key in again.reconciliation.unreadable}
        assert unreadable == {"s1", "web"}
        assert len(again.reports) == 2
        for report in again.reports:
            assert re.match(r"(lanes|services)\S* \S+ in the store cannot be read: spec\.", report)
            assert "spec.gone: unknown field" in report
        await again.write(base=lane("base", weight=1))
        assert again.conditions("s1")["Accepted"][0] == "False"
        assert again.conditions("s1")["Ready"][0] == "False"
        assert {k.name: s.manifest["spec"] for k, s in store.objects.items()}["s1"] == {
            "gone": True
        }
        await again.write(web=WEB)
        await again.write(s1=lane("s1"))
        assert again.conditions("s1") == ALL_TRUE
        assert not again.reconciliation.unreadable


async def test_where_not_all_could_be_started_objects_are_tried_one_by_one(shop: Serving) -> None:
    async with serving(await stored_again(shop), started=False) as again:
        again.machine.stops = lambda mesh: (
            "no such command" if any(lane.name == "s1" for lane in mesh.lanes) else ""
        )
        await again.write(base=lane("base", weight=1))
        assert again.lanes() == ["shop/base"]
        assert again.conditions("s1")["Accepted"] == ("False", "NotProgrammed")
        assert "Lane shop/s1: no such command" in again.reports


async def test_why_instances_are_not_ready_is_in_the_status(shop: Serving) -> None:
    shop.problems = ("workload default/web-1 ended 5 times in a row",)
    shop.ready = 0
    await shop.write(base=lane("base", weight=1))
    (stored,) = [each for key, each in shop.store.objects.items() if key.name == "base"]
    (ready,) = [c for c in stored.manifest["status"]["conditions"] if c["type"] == "Ready"]
    assert ready["message"] == (
        "no ready instance in lane base of default/web\n"
        "workload default/web-1 ended 5 times in a row"
    )


async def test_a_restart_declares_all_in_the_order_of_creation(shop: Serving) -> None:
    await shop.write(base=lane("base", weight=0, selector={"version": "stable"}))
    writes = declared_at_start(shop.store.objects)
    again = Declaring()
    await again.applied(writes)
    assert again.machine.mesh == shop.machine.mesh
    assert [each.name for each in again.machine.mesh.lanes] == ["base", "s1"]


NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = "2026-01-01T08:00:00+08:00"
WITHOUT_LANE = "requests that name it count as without a lane"


async def test_a_disabled_lane_says_so(shop: Serving) -> None:
    await shop.write(s1=lane("s1", enabled=False))
    assert shop.conditions("s1") == {
        "Accepted": ("True", "Valid"),
        "Programmed": ("False", "Disabled"),
        "Ready": ("False", "Disabled"),
    }
    for condition in ("Programmed", "Ready"):
        said = shop.message("s1", condition)
        assert said == f"the lane is disabled (spec.enabled): {WITHOUT_LANE}"
    assert shop.conditions("shop") == ALL_TRUE
    await shop.write(s1=lane("s1"))
    assert shop.conditions("s1") == ALL_TRUE


async def test_a_lane_says_that_it_has_expired_from_that_second_on(shop: Serving) -> None:
    shop.now = NEW_YEAR - timedelta(seconds=1)
    await shop.write(s1=lane("s1", expiresAt=ENDS))
    assert shop.conditions("s1") == ALL_TRUE
    await shop.reach(NEW_YEAR)
    assert shop.lanes() == ["shop/base"]
    assert shop.conditions("s1")["Programmed"] == ("False", "Expired")
    said = shop.message("s1", "Programmed")
    assert said == f"the lane expired at {ENDS} (spec.expiresAt): {WITHOUT_LANE}"


async def test_a_lane_whose_group_is_held_says_that_it_has_expired(shop: Serving) -> None:
    shop.now = NEW_YEAR - timedelta(seconds=1)
    await shop.write(s1=lane("s1", expiresAt=ENDS))
    await shop.write(shop=group(services=["web", "nowhere"]))
    assert shop.conditions("s1")["Programmed"] == ("True", "Held")
    await shop.reach(NEW_YEAR)
    assert shop.lanes() == ["shop/base"]
    assert shop.conditions("s1")["Programmed"] == ("False", "Expired")


async def test_a_lane_that_serves_as_a_baseline_does_not_say_that_it_has_expired(
    shop: Serving,
) -> None:
    shop.now = NEW_YEAR - timedelta(seconds=1)
    await shop.write(base=lane("base", expiresAt=ENDS))
    await shop.reach(NEW_YEAR)
    assert shop.conditions("base") == ALL_TRUE


async def test_the_baseline_of_a_group_is_recorded_once(shop: Serving) -> None:
    assert shop.baseline() == "base"
    await shop.write(early=lane("early", order=-1))
    assert shop.lanes()[0] == "shop/early"
    assert shop.baseline() == "base"
    await shop.write(base=None)
    assert shop.conditions("shop")["Accepted"] == ("False", "UnknownBaseline")
    assert shop.conditions("shop")["Programmed"] == ("True", "Held")
    assert (shop.baseline(), "shop/base" in shop.lanes()) == ("base", True)
    await shop.write(shop=group(baseline="s1"))
    assert shop.conditions("shop") == ALL_TRUE
    assert (shop.baseline(), shop.lanes()) == ("s1", ["shop/early", "shop/s1"])
    await shop.write(shop=group())
    assert shop.baseline() == "s1"


@pytest.mark.parametrize("started", [True, False])
async def test_a_recorded_baseline_outlives_a_restart(shop: Serving, started: bool) -> None:
    await shop.write(early=lane("early", order=-1))
    store = await stored_again(shop)
    async with serving(store, started=started) as again:
        if started:
            await again.declaring.applied(declared_at_start(store.objects))
        await again.write(s1=lane("s1", weight=5))
        assert again.baseline() == "base"
        mesh = again.machine.mesh
        baseline = mesh.baseline(mesh.groups[0])
        assert baseline is not None
        assert baseline.name == "base"


async def test_a_group_that_cannot_be_read_keeps_its_recorded_baseline(shop: Serving) -> None:
    store = await stored_again(shop, shop={"gone": True})
    async with serving(store, started=False) as again:
        await again.write(base=lane("base", weight=1))
        assert again.conditions("shop")["Accepted"][0] == "False"
        assert again.baseline() == "base"


async def test_a_group_that_is_created_again_records_its_baseline_anew(shop: Serving) -> None:
    again = group()
    again["metadata"]["uid"] = "y"
    waiting = [
        asyncio.create_task(shop.write(**{name: each}))
        for name, each in (("shop", None), ("base", None))
    ]
    await asyncio.gather(*waiting)
    await shop.write(shop=again)
    assert (shop.baseline(), shop.conditions("shop")) == ("s1", ALL_TRUE)
