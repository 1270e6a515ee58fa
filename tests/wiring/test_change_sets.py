"""Change sets over HTTP: applied whole or refused whole, and who owns what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.wiring.api_servers import (
    LANES,
    MERGE,
    SHOP,
    V1,
    Api,
    api,
    group,
    lane,
    service,
    workload,
)

from laneway.control.revisions import Draft, StoreError
from laneway.model.meshes import Mesh
from laneway.wiring.reconciliation import STATUS

pytestmark = pytest.mark.slow

LANE = {"apiVersion": V1, "kind": "Lane"}
APPLY = {"content-type": "application/apply-patch+yaml"}


@pytest.fixture
async def shop() -> AsyncIterator[Api]:
    async with api() as made:
        await made.apply(*SHOP)
        yield made


async def test_a_change_set_is_one_revision_and_says_what_it_changed() -> None:
    async with api() as empty:
        status = await empty.apply(*SHOP)
        assert status["revision"] == "1"
        assert [(each["name"], each["operation"]) for each in status["objects"]] == [
            (each["metadata"]["name"], "created") for each in SHOP
        ]
        assert {(c["change"], c["kind"], c["name"]) for c in status["changes"]} >= {
            ("added", "Lane", "shop/z"),
            ("added", "LaneGroup", "shop"),
        }
        assert empty.lanes() == ["shop/z", "shop/s1"]
        (revision,) = await empty.store.revisions(0, 1)
        assert (revision.draft.principal, revision.draft.source) == ("jack", "shop")
        assert len(revision.draft.writes) == len(SHOP)


async def test_what_is_applied_again_is_no_revision(shop: Api) -> None:
    await shop.settle()
    before = shop.store.submitted
    status = await shop.apply(*SHOP)
    assert (status["revision"], shop.store.submitted) == (None, before)
    assert {each["operation"] for each in status["objects"]} == {"unchanged"}


async def test_when_it_is_answered_the_mesh_has_it(shop: Api) -> None:
    await shop.apply(*SHOP, lane("s2"))
    assert shop.lanes() == ["shop/z", "shop/s1", "shop/s2"]


@pytest.mark.parametrize(
    ("bad", "field", "says"),
    [
        (lane("s3", fallback=["s9"]), "spec.objects[7].spec.fallback[0]", "s9"),
        (lane("s3", group="stop"), "spec.objects[7].spec.group", "stop"),
        (lane("s3", wieght=1), "spec.objects[7]", "did you mean weight?"),
        (lane("s3", weight=200), "spec.objects[7].spec.weight", "percentage"),
        ({**lane("s3"), "kind": "Lame"}, "spec.objects[7].kind", "Lane"),
        ({**LANE, "spec": {}}, "spec.objects[7].metadata.name", "no name"),
        ({"apiVersion": "v1", "kind": "ConfigMap"}, "spec.objects[7]", "v1 ConfigMap"),
        ({}, "spec.objects[7]", "keeps no objects"),
        (lane("s2"), "spec.objects[7]", "twice"),
    ],
)
async def test_with_one_invalid_object_nothing_is_changed(
    shop: Api, bad: dict[str, Any], field: str, says: str
) -> None:
    await shop.settle()
    names, lanes, before = shop.names(), shop.lanes(), shop.store.submitted
    spec = {"source": "shop", "objects": [*SHOP, lane("s2"), bad]}
    failure = await shop.refused("changesets", "ChangeSet", spec, 422)
    causes = failure["details"]["causes"]
    assert [cause["field"] for cause in causes] == [field]
    assert says in causes[0]["message"]
    assert (shop.names(), shop.lanes(), shop.store.submitted) == (names, lanes, before)


async def test_all_that_is_wrong_is_said_at_once(shop: Api) -> None:
    bad = [lane("a", weight=200), lane("b", weight=-1), {"kind": "Lane"}]
    spec = {"source": "shop", "objects": bad}
    failure = await shop.refused("changesets", "ChangeSet", spec, 422)
    fields = [cause["field"] for cause in failure["details"]["causes"]]
    assert fields == [
        "spec.objects[0].spec.weight",
        "spec.objects[1].spec.weight",
        "spec.objects[2].apiVersion",
    ]


async def test_what_makes_another_object_invalid_is_refused(shop: Api) -> None:
    spec = {"source": "shop", "deletions": [{**LANE, "kind": "LaneGroup", "name": "shop"}]}
    failure = await shop.refused("changesets", "ChangeSet", spec, 422)
    assert "Lane" in failure["message"]
    assert shop.lanes() == ["shop/z", "shop/s1"]


async def test_what_proxies_reject_was_never_written(shop: Api) -> None:
    await shop.settle()
    names, before = shop.names(), shop.store.submitted
    shop.machine.rejects = lambda mesh: "bad regex" if len(mesh.lanes) > 2 else ""
    spec = {"source": "shop", "objects": [service("pay"), lane("s2")]}
    failure = await shop.refused("changesets", "ChangeSet", spec, 422)
    assert failure["details"]["causes"] == [
        {"reason": "NotProgrammed", "message": "bad regex", "field": ""}
    ]
    assert (shop.names(), shop.store.submitted) == (names, before)
    assert shop.lanes() == ["shop/z", "shop/s1"]


async def test_what_cannot_be_kept_is_taken_back_from_the_mesh(shop: Api) -> None:
    await shop.settle()

    async def fails(*_: Any) -> None:
        raise StoreError("the disk is full")

    keep = shop.store._keep
    shop.store._keep = fails  # type: ignore[method-assign, assignment]
    spec = {"source": "shop", "objects": [lane("s2")], "deletions": [{**LANE, "name": "s1"}]}
    failure = await shop.refused("changesets", "ChangeSet", spec, 507)
    assert "the disk is full" in failure["message"]
    assert set(shop.lanes()) == {"shop/z", "shop/s1"}
    shop.store._keep = keep  # type: ignore[method-assign]
    await shop.settle()
    assert set(shop.lanes()) == {"shop/z", "shop/s1"}


async def test_a_lane_that_was_invalid_is_taken_back_from_the_mesh(shop: Api) -> None:
    """It runs by then; it must not count as the last valid state in which its group is held."""
    written = await shop.client.post(LANES, json=lane("s2", fallback=["s9"]))
    assert written.status_code == 201, written.text
    await shop.settle()
    assert set(shop.lanes()) == {"shop/z", "shop/s1"}

    async def fails(*_: Any) -> None:
        raise StoreError("the disk is full")

    keep = shop.store._keep
    shop.store._keep = fails  # type: ignore[method-assign, assignment]
    spec = {"source": "shop", "objects": [lane("s2", fallback=[]), lane("s3")], "force": True}
    await shop.refused("changesets", "ChangeSet", spec, 507)
    assert [mesh for mesh in shop.machine.tried if len(mesh.lanes) == 4]
    assert set(shop.lanes()) == {"shop/z", "shop/s1"}
    shop.store._keep = keep  # type: ignore[method-assign]
    changed = await shop.client.patch(f"{LANES}/s1", json={"spec": {"weight": 7}}, headers=MERGE)
    assert changed.status_code == 200, changed.text
    await shop.settle()
    assert {each.name: each.weight for each in shop.machine.mesh.lanes} == {"z": 0, "s1": 7}


@pytest.mark.parametrize("moves", [False, True])
async def test_what_is_deleted_before_a_change_set_is_kept_leaves_the_mesh(
    shop: Api, moves: bool
) -> None:
    """The mesh has the change set already. Both revisions are heard of at once."""
    other = {**group(), "metadata": {"name": "other"}}
    other["spec"] = {**other["spec"], "services": ["pay"], "ingress": []}
    first = lane("first", group="other")
    await shop.apply(*SHOP, lane("s2"), service("pay"), other, first, force=True)
    if not moves:
        await shop.client.delete(f"{LANES}/s2")
    await shop.settle()
    submitted, keep = asyncio.Event(), shop.store._keep

    async def slow(*revisions: Any) -> None:
        await submitted.wait()
        await keep(*revisions)

    shop.store._keep = slow  # type: ignore[method-assign, assignment]
    again = lane("s2", group="other" if moves else "shop")
    applying = asyncio.create_task(shop.apply(again, force=True))
    known = shop.store.submitted
    async with asyncio.timeout(30):
        while shop.store.submitted == known:  # noqa: ASYNC110
            await asyncio.sleep(0)
        deleting = asyncio.create_task(shop.client.delete(f"{LANES}/s2"))
        while shop.store.submitted == known + 1:  # noqa: ASYNC110
            await asyncio.sleep(0)
    submitted.set()
    await applying
    assert (await deleting).status_code == 200
    await shop.settle()
    assert set(shop.lanes()) == {"shop/z", "shop/s1", "other/first"}


async def test_a_write_that_fails_holds_up_no_change_set_after_it(shop: Api) -> None:
    """The change set waits for what was submitted before it, which is never to come."""
    await shop.settle()
    asked, full, keep = asyncio.Event(), asyncio.Event(), shop.store._keep

    async def fails(*_: Any) -> None:
        asked.set()
        await full.wait()
        shop.store._keep = keep  # type: ignore[method-assign]
        raise StoreError("the disk is full")

    shop.store._keep = fails  # type: ignore[method-assign, assignment]
    failing = asyncio.create_task(shop.client.post(LANES, json=lane("s2")))
    await asked.wait()
    applying = asyncio.create_task(shop.apply(lane("s3")))
    for _ in range(100):
        await asyncio.sleep(0)
    full.set()
    async with asyncio.timeout(30):
        assert (await applying)["revision"]
    assert (await failing).status_code == 507
    assert set(shop.lanes()) == {"shop/z", "shop/s1", "shop/s3"}


async def test_what_is_written_meanwhile_is_not_overwritten(shop: Api) -> None:
    """The change is made anew from what stands then."""
    written = asyncio.Event()
    original = shop.machine.change

    async def slow(mesh: Mesh) -> Any:
        if len(mesh.lanes) > 2 and not written.is_set():
            written.set()
            body = {"spec": {"weight": 7}}
            answer = await shop.client.patch(f"{LANES}/s1", json=body, headers=MERGE)
            assert answer.status_code == 200, answer.text
        return await original(mesh)

    shop.machine.change = slow  # type: ignore[method-assign]
    strict = {**LANE, "metadata": {"name": "s1"}, "spec": {"mode": "strict"}}
    spec = {"source": "other", "objects": [strict, lane("s2")]}
    await shop.answered("changesets", "ChangeSet", spec)
    await shop.settle()
    stored = (await shop.client.get(f"{LANES}/s1")).json()["spec"]
    assert (stored["weight"], stored["mode"]) == (7, "strict")
    assert {each.name: each.weight for each in shop.machine.mesh.lanes} == {
        "z": 0,
        "s1": 7,
        "s2": 0,
    }


async def test_what_is_deleted_meanwhile_does_not_come_back(shop: Api) -> None:
    """The change set deletes the same lane. It is taken back and made anew; the lane is gone."""
    await shop.apply(*SHOP, lane("s2"))
    await shop.settle()
    deleted = asyncio.Event()
    original = shop.machine.change

    async def slow(mesh: Mesh) -> Any:
        if len(mesh.lanes) == 2 and not deleted.is_set():
            deleted.set()
            assert (await shop.client.delete(f"{LANES}/s2")).status_code == 200
        return await original(mesh)

    shop.machine.change = slow  # type: ignore[method-assign]
    heavy = lane("s1", weight=7)
    spec = {"source": "other", "objects": [heavy], "deletions": [{**LANE, "name": "s2"}]}
    await shop.ask("changesets", "ChangeSet", {**spec, "force": True})
    assert deleted.is_set()
    await shop.settle()
    assert set(shop.lanes()) == {"shop/z", "shop/s1"}


async def test_a_status_that_is_written_meanwhile_is_kept_and_delays_nothing(shop: Api) -> None:
    """laneway writes statuses while a change is under way, because proxies and processes change."""
    (key,) = [key for key in shop.store.objects if key.name == "s1"]
    original, changes = shop.machine.change, 0

    async def slow(mesh: Mesh) -> Any:
        nonlocal changes
        changes += 1
        live = shop.store.submitted_objects[key].manifest
        status = {"status": {"services": [], "observedGeneration": changes}}
        await shop.reconciliation.append(Draft({key: {**live, **status}}, "", "laneway", STATUS))
        return await original(mesh)

    shop.machine.change = slow  # type: ignore[method-assign]
    spec = {"source": "test", "objects": [lane("s1", weight=7)]}
    status = await shop.answered("changesets", "ChangeSet", spec)
    assert changes == 1
    (revision,) = await shop.store.revisions(int(status["revision"]) - 1, 1)
    written = revision.draft.writes[key]
    assert written is not None
    assert (written["spec"]["weight"], written["status"]["observedGeneration"]) == (7, 1)


async def test_a_field_that_another_source_owns_is_a_conflict_that_names_it(shop: Api) -> None:
    spec = {"source": "ops", "objects": [lane("s1", weight=5)]}
    query = {"fieldManager": "kubectl", "force": "true"}
    applied = await shop.client.patch(
        f"{LANES}/s1", params=query, json=lane("s1", weight=9), headers=APPLY
    )
    assert applied.status_code == 200, applied.text
    failure = await shop.refused("changesets", "ChangeSet", spec, 409)
    (cause,) = failure["details"]["causes"]
    assert cause["reason"] == "FieldManagerConflict"
    assert cause["field"] == "spec.objects[0].spec.weight"
    assert '"kubectl"' in cause["message"]
    await shop.answered("changesets", "ChangeSet", {**spec, "force": True})
    assert (await shop.client.get(f"{LANES}/s1")).json()["spec"]["weight"] == 5
    again = await shop.client.patch(
        f"{LANES}/s1",
        params={"fieldManager": "kubectl"},
        json=lane("s1", weight=9),
        headers=APPLY,
    )
    assert again.status_code == 409
    assert '"ops"' in again.json()["message"]


async def test_prune_deletes_what_the_source_does_not_declare_any_more(shop: Api) -> None:
    await shop.answered("changesets", "ChangeSet", {"source": "ops", "objects": [lane("s2")]})
    await shop.client.post(LANES, json=lane("s3"))
    status = await shop.apply(*(each for each in SHOP if each != lane("s1")), prune=True)
    deleted = [each["name"] for each in status["objects"] if each["operation"] == "deleted"]
    assert deleted == ["s1"]
    assert set(shop.names()) >= {"z", "s2", "s3"}


async def test_prune_leaves_what_another_source_applies_too(shop: Api) -> None:
    await shop.answered("changesets", "ChangeSet", {"source": "ops", "objects": [lane("s1")]})
    spec = {
        "source": "shop",
        "objects": [each for each in SHOP if each != lane("s1")],
        "prune": True,
    }
    failure = await shop.refused("changesets", "ChangeSet", spec, 409)
    assert '"ops" applies it, too' in failure["message"]
    assert "s1" in shop.names()
    await shop.answered("changesets", "ChangeSet", {**spec, "force": True})
    assert "s1" not in shop.names()


async def test_a_dry_run_changes_nothing_and_tells_which_requests_change_path(shop: Api) -> None:
    await shop.apply(*(workload(n, v) for n in ("web", "cart") for v in ("z", "s1", "s2")))
    await shop.settle()
    before = shop.store.submitted
    spec = {"source": "shop", "objects": [lane("s2")]}
    status = await shop.answered("changesets", "ChangeSet", spec, dryRun="All")
    assert (status["revision"], shop.store.submitted) == (None, before)
    assert shop.lanes() == ["shop/z", "shop/s1"]
    (path,) = status["changedPaths"]
    assert path["request"]["headers"] == {"x-lane": "s2"}
    assert (path["before"], path["after"]) == ("web in lane z instead of s2", "web in lane s2")
    spec["objects"] = [lane("s2", weight=200)]
    await shop.refused("changesets", "ChangeSet", spec, 422, dryRun="All")


async def test_waiting_is_until_lanes_are_ready(shop: Api) -> None:
    status = await shop.apply(lane("s2"), wait=True)
    assert (status["ready"], status["notReady"]) == (True, [])


async def test_waiting_ends_and_says_what_is_not_ready(shop: Api) -> None:
    """Written one by one, an object may be invalid: then its group is held."""
    await shop.client.post(LANES, json=lane("s3", fallback=["s9"]))
    status = await shop.apply(lane("s3"), wait=True, timeoutSeconds=1, force=True)
    assert status["ready"] is False
    assert status["notReady"] == ["lanes.laneway.dev s3"]


async def test_a_group_that_is_held_is_not_said_to_be_changed(shop: Api) -> None:
    invalid = {"spec": {"fallback": ["s9"]}}
    await shop.client.patch(f"{LANES}/s1", json=invalid, headers=MERGE)
    spec = {"source": "shop", "objects": [lane("s2")]}
    answer = await shop.ask("changesets", "ChangeSet", spec)
    assert answer.status_code == 201
    assert "still invalid: Lane shop/s1" in answer.headers["warning"]
    assert answer.json()["status"]["changes"] == []


async def test_a_source_is_needed() -> None:
    async with api() as empty:
        failure = await empty.refused("changesets", "ChangeSet", {"objects": []}, 422)
        assert failure["details"]["causes"][0]["field"] == "spec.source"
        failure = await empty.refused("changesets", "ChangeSet", {"source": "a", "prun": 1}, 422)
        assert "did you mean prune?" in failure["message"]
        failure = await empty.refused("changesets", "ChangeSet", {"source": "a\nb"}, 422)
        assert "printable" in failure["message"]


async def test_an_object_of_an_outdated_version_is_a_conflict_that_force_does_not_end(
    shop: Api,
) -> None:
    old = lane("s1", weight=3)
    old["metadata"] = {"name": "s1", "resourceVersion": "99"}
    spec = {"source": "shop", "objects": [old], "force": True}
    failure = await shop.refused("changesets", "ChangeSet", spec, 409)
    assert "the object has been modified" in failure["message"]
    assert "`force`" not in failure["message"]


async def test_a_client_that_calls_itself_laneway_is_heard_like_any_other(shop: Api) -> None:
    answer = await shop.client.post(LANES, json=lane("s2"), params={"fieldManager": "laneway"})
    assert answer.status_code == 201
    await shop.settle()
    assert "shop/s2" in shop.lanes()


async def test_an_order_is_kept(shop: Api) -> None:
    """The first lane of a group without ``baseline`` is its baseline."""
    status = await shop.apply(group(), lane("s0"))
    assert status["revision"] is not None
    mesh = shop.machine.mesh
    baseline = mesh.baseline(mesh.groups_by_name["shop"])
    assert baseline is not None
    assert baseline.name == "z"


async def test_a_lane_that_has_expired_is_not_applied_again(shop: Api) -> None:
    over = {"source": "shop", "objects": [lane("s2", expiresAt="2026-01-01T11:59:59Z")]}
    for query in ({"dryRun": "All"}, {}):
        failure = await shop.refused("changesets", "ChangeSet", over, 422, **query)
        (cause,) = failure["details"]["causes"]
        assert (cause["reason"], cause["field"]) == (
            "LANE_EXPIRED",
            "spec.objects[0].spec.expiresAt",
        )
    await shop.apply(lane("s2", expiresAt="2026-01-01T12:00:01Z"))
    assert "s2" in shop.names()


async def test_a_disabled_lane_changes_no_path(shop: Api) -> None:
    await shop.apply(*(workload(n, v) for n in ("web", "cart") for v in ("z", "s1", "s2")))
    spec = {"source": "shop", "objects": [lane("s2", enabled=False)]}
    status = await shop.answered("changesets", "ChangeSet", spec, dryRun="All")
    assert status["changedPaths"] == []


async def test_nobody_waits_for_a_lane_that_is_disabled(shop: Api) -> None:
    status = await shop.apply(lane("s1", enabled=False), lane("s2"), wait=True, timeoutSeconds=60)
    assert (status["ready"], status["notReady"]) == (True, [])
