"""The history over HTTP: revisions, objects as of one of them, and rollbacks."""

from __future__ import annotations

from typing import Any

import pytest
from tests.wiring.api_servers import (
    LANES,
    ROOT,
    Api,
    group,
    lane,
)
from tests.wiring.api_shops import get, weigh
from tests.wiring.api_shops import shop as shop


async def test_history_says_who_did_what_the_newest_first(shop: Api) -> None:
    await weigh(shop, 5)
    await shop.client.delete(f"{LANES}/s1")
    await shop.settle()
    items = (await get(shop, f"{ROOT}/revisions"))["items"]
    assert [each["spec"]["author"] for each in items] == ["jack"] * 3
    assert [each["status"]["summary"] for each in items] == [
        "1 deleted",
        "1 changed",
        "10 created",
    ]
    assert items[-1]["spec"] == {"author": "jack", "source": "shop", "message": "ChangeSet"}


async def test_history_comes_in_pages_without_a_gap(shop: Api) -> None:
    for weight in range(1, 8):
        await weigh(shop, weight)
    whole = [each["metadata"]["name"] for each in (await get(shop, f"{ROOT}/revisions"))["items"]]
    assert len(whole) == 8
    seen, query = [], {"limit": "3"}
    while True:
        page = await get(shop, f"{ROOT}/revisions", **query)
        seen += [each["metadata"]["name"] for each in page["items"]]
        if "continue" not in page["metadata"]:
            break
        query["continue"] = page["metadata"]["continue"]
    assert seen == whole


async def test_a_revision_has_the_fields_that_changed(shop: Api) -> None:
    await weigh(shop, 5)
    newest = (await get(shop, f"{ROOT}/revisions", limit="1"))["items"][0]["metadata"]["name"]
    revision = await get(shop, f"{ROOT}/revisions/{newest}")
    (change,) = revision["status"]["changes"]
    assert (change["operation"], change["resource"], change["name"]) == (
        "changed",
        "lanes.laneway.dev",
        "s1",
    )
    assert change["fields"] == [{"field": "spec.weight", "before": 0, "after": 5}]


@pytest.mark.parametrize("name", ["0", "999", "x", "-1", "9" * 30])
async def test_there_is_no_such_revision(shop: Api, name: str) -> None:
    answer = await shop.client.get(f"{ROOT}/revisions/{name}")
    assert (answer.status_code, answer.json()["reason"]) == (404, "NotFound")


async def test_objects_are_listed_as_of_a_revision(shop: Api) -> None:
    first = str(shop.store.latest)
    await weigh(shop, 5)
    query = {"resourceVersion": first, "resourceVersionMatch": "Exact"}
    old = await get(shop, LANES, **query)
    assert {each["metadata"]["name"]: each["spec"]["weight"] for each in old["items"]} == {
        "z": 0,
        "s1": 0,
    }
    assert old["metadata"]["resourceVersion"] == first


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"resourceVersionMatch": "Exact"}, 422),
        ({"resourceVersion": "0", "resourceVersionMatch": "Exact"}, 422),
        ({"resourceVersion": "1", "resourceVersionMatch": "Nearly"}, 422),
        ({"resourceVersion": "99999", "resourceVersionMatch": "Exact"}, 504),
    ],
)
async def test_a_revision_that_cannot_be_listed(
    shop: Api, query: dict[str, str], code: int
) -> None:
    answer = await shop.client.get(LANES, params=query)
    assert answer.status_code == code, answer.text


async def test_a_rollback_is_a_new_revision_with_what_was(shop: Api) -> None:
    first = shop.store.latest
    await weigh(shop, 5)
    await shop.apply(lane("s2"))
    await shop.client.delete(f"{LANES}/s1")
    await shop.settle()
    status = await shop.answered("rollbacks", "Rollback", {"revision": first, "message": "oops"})
    assert {(o["name"], o["operation"]) for o in status["objects"]} == {
        ("s1", "created"),
        ("s2", "deleted"),
    }
    lanes = {each.name: each.weight for each in shop.machine.mesh.lanes}
    assert lanes == {"z": 0, "s1": 0}
    revision = await get(shop, f"{ROOT}/revisions/{status['revision']}")
    assert revision["spec"] == {
        "author": "jack",
        "source": "rollback",
        "message": f"Rollback: to revision {first}: oops",
    }


async def test_after_a_rollback_a_source_does_not_win_in_silence(shop: Api) -> None:
    first = shop.store.latest
    await shop.apply(lane("s1", weight=5))
    await shop.answered("rollbacks", "Rollback", {"revision": first})
    spec = {"source": "shop", "objects": [lane("s1", weight=5)]}
    failure = await shop.refused("changesets", "ChangeSet", spec, 409)
    assert '"rollback"' in failure["message"]


async def test_a_rollback_to_what_is_not_there(shop: Api) -> None:
    await shop.refused("rollbacks", "Rollback", {"revision": 99999}, 422)
    await weigh(shop, 5)
    await shop.store.compact(shop.store.latest)
    await shop.refused("rollbacks", "Rollback", {"revision": 1}, 410)
    await shop.refused("rollbacks", "Rollback", {"revision": 0}, 422)


async def test_a_rollback_that_moves_a_baseline_says_so(shop: Api) -> None:
    await shop.settle()
    first = shop.store.latest
    gone = [_key("LaneGroup") | {"name": "shop"}]
    gone += [_key("Lane") | {"name": name} for name in ("z", "s1")]
    await shop.answered("changesets", "ChangeSet", {"source": "shop", "deletions": gone})
    await shop.apply(group(), lane("s1"))
    await shop.settle()
    answer = await shop.ask("rollbacks", "Rollback", {"revision": first})
    assert "lane z, and is lane s1 now: set spec.baseline to z" in answer.headers["warning"]
    assert shop.lanes() == ["shop/s1", "shop/z"]


async def test_a_rollback_gives_a_deleted_group_its_baseline_again(shop: Api) -> None:
    await shop.apply(lane("s1", services=["cart"]))
    await shop.settle()
    before = shop.store.latest
    for path in (f"{LANES}/z", LANES.replace("lanes", "lanegroups") + "/shop"):
        assert (await shop.client.delete(path)).status_code == 200
    await shop.settle()
    answer = await shop.ask("rollbacks", "Rollback", {"revision": before})
    assert answer.status_code == 201, answer.text
    assert "warning" not in answer.headers
    (made,) = shop.machine.mesh.groups
    baseline = shop.machine.mesh.baseline(made)
    assert baseline is not None
    assert baseline.name == "z"
    await shop.settle()
    (stored,) = [each for key, each in shop.store.objects.items() if key.name == "shop"]
    assert stored.manifest["status"]["baseline"] == "z"
    assert stored.manifest["status"]["conditions"]


async def test_the_baseline_of_a_group_is_not_deleted_unless_it_names_another(shop: Api) -> None:
    await shop.apply(lane("s0", order=-1))
    spec: dict[str, Any] = {"source": "shop", "deletions": [{**_key("Lane"), "name": "z"}]}
    failure = await shop.refused("changesets", "ChangeSet", spec, 422)
    assert failure["details"]["causes"][0]["reason"] == "UNKNOWN_BASELINE"
    spec["objects"] = [group(baseline="s0")]
    await shop.answered("changesets", "ChangeSet", spec)
    assert shop.lanes() == ["shop/s0", "shop/s1"]
    await shop.settle()
    (stored,) = [each for key, each in shop.store.objects.items() if key.name == "shop"]
    assert stored.manifest["status"]["baseline"] == "s0"


def _key(kind: str) -> dict[str, str]:
    return {"apiVersion": "laneway.dev/v1alpha1", "kind": kind}
