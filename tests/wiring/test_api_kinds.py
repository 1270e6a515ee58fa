"""The kinds of ``api.laneway.dev`` over HTTP: reviews, proxies, traffic and events."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.wiring.api_servers import (
    API,
    LANES,
    MERGE,
    ROOT,
    SHOP,
    Api,
    lane,
    workload,
)
from tests.wiring.api_shops import GROUP, get, weigh
from tests.wiring.api_shops import shop as shop

from laneway.control.events import ProxyInstance, Rejected
from laneway.control.proxies import ProxyStatus, ResourceStatus, Verdict
from laneway.model.findings import ObjectKey
from laneway.model.lane_figures import BUCKETS, LaneFigures, LanePair
from laneway.wiring import revision_lists

pytestmark = pytest.mark.slow

TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
RDS = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"


def classes(*, two: int = 0, ten: int = 0) -> list[int]:
    """Of so many requests that took one to two milliseconds, and five to ten."""
    counts = {2: two, 10: ten}
    return [*(counts.get(bound, 0) for bound in BUCKETS), 0]


async def test_a_request_is_explained_now_and_as_of_a_revision(shop: Api) -> None:
    first = shop.store.latest
    await shop.apply(workload("web", "s2", "cart"), lane("s2", services=["web"]))
    spec: dict[str, Any] = {"request": {"path": "/a", "headers": {"x-lane": "s2"}}}
    now = await shop.answered("explanations", "Explanation", spec)
    assert [(hop["service"], hop["served_lane"]) for hop in _hops(now)] == [
        ("default/web", "s2"),
        ("default/cart", "z"),
    ]
    then = await shop.answered("explanations", "Explanation", {**spec, "revision": first})
    assert [hop["served_lane"] for hop in _hops(then)] == ["z", "z"]
    down = await shop.answered("explanations", "Explanation", {**spec, "down": ["web-s2"]})
    assert _hops(down)[0]["served_lane"] == "z"


async def test_an_explanation_says_since_when_a_lane_is_disabled(shop: Api) -> None:
    await shop.apply(lane("s1", enabled=False))
    await shop.settle()
    disabled = shop.store.latest
    await shop.apply(lane("s1"))
    spec: dict[str, Any] = {"request": {"path": "/a", "headers": {"x-lane": "s1"}}}
    then = await shop.answered("explanations", "Explanation", {**spec, "revision": disabled})
    said = {
        "why": "lane disabled",
        "text": "lane s1 is disabled since 2026-01-01T12:00:00Z",
        "phrase": "lane disabled since",
        "arguments": {"lane": "s1", "time": "2026-01-01T12:00:00Z"},
    }
    assert said in _hops(then)[0]["reasons"]
    assert _hops(then)[0]["served_lane"] == "z"
    now = await shop.answered("explanations", "Explanation", spec)
    assert _hops(now)[0]["served_lane"] == "s1"


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"down": ["wep-s1"]}, "spec.down[0]: there is no workload wep-s1; did you mean"),
        ({"gateway": "exit"}, "spec.gateway: there is no gateway exit"),
        ({"port": 81}, "port 81"),
        ({"request": {"method": "get"}}, "spec.request.method"),
        ({"request": {"headers": {"a b": "c"}}}, "`a b` is not a legal header name"),
        ({"revision": 99999}, "spec.revision: there is no revision 99999"),
    ],
)
async def test_a_question_that_cannot_be_answered(
    shop: Api, spec: dict[str, Any], says: str
) -> None:
    failure = await shop.refused("explanations", "Explanation", spec, 422)
    assert says in failure["message"]


async def test_an_analysis_has_the_findings_of_laneway_analyze(shop: Api) -> None:
    status = await shop.answered("analyses", "Analysis", {"down": ["cart-s1"]})
    assert [each["code"] for each in status["findings"]] == ["NO_READY_WORKLOAD"]
    assert (await shop.answered("analyses", "Analysis", {}))["findings"] == []


async def test_a_mesh_is_rendered_in_a_dialect(shop: Api) -> None:
    status = await shop.answered("renderings", "Rendering", {"dialect": "istio"})
    assert "VirtualService" in {each["kind"] for each in status["documents"]}
    failure = await shop.refused("renderings", "Rendering", {"dialect": "itsio"}, 422)
    assert "did you mean istio?" in failure["message"]


async def test_a_preview_is_answered_and_changes_nothing(shop: Api) -> None:
    await shop.settle()
    before = shop.store.submitted
    spec = {"source": "shop", "objects": [workload("web", "s2"), lane("s2", services=["web"])]}
    status = await shop.answered("previews", "Preview", spec)
    assert shop.lanes() == ["shop/z", "shop/s1"]
    assert [path["after"] for path in status["changedPaths"]] == [
        "web in lane s2, then cart in lane z instead of s2"
    ]
    assert shop.store.submitted == before


async def test_a_promotion_is_one_write_with_its_preview_and_its_undoing(shop: Api) -> None:
    before = shop.store.submitted
    spec = {"group": "shop", "lane": "s1", "message": "release"}
    dry = await shop.answered("promotions", "Promotion", spec, dryRun="All")
    assert dry["revision"] is None
    assert [(p["before"], p["after"]) for p in dry["changedPaths"]] == [
        ("web in lane z, then cart in lane z", "web in lane s1, then cart in lane s1")
    ]
    status = await shop.answered("promotions", "Promotion", spec)
    assert status["patch"] == {"spec": {"serviceBaselines": {"web": "s1", "cart": "s1"}}}
    assert int(status["revision"]) > before
    assert [each["name"] for each in status["objects"]] == ["shop"]
    assert (await get(shop, GROUP))["spec"]["serviceBaselines"] == {"web": "s1", "cart": "s1"}
    undone = await shop.client.patch(GROUP, json=status["undo"], headers=MERGE)
    assert undone.status_code == 200
    assert not (await get(shop, GROUP))["spec"].get("serviceBaselines")


async def test_promotions_of_single_services_add_up(shop: Api) -> None:
    spec = {"group": "shop", "lane": "s1", "services": ["cart"]}
    await shop.answered("promotions", "Promotion", spec)
    await shop.answered("promotions", "Promotion", {**spec, "services": ["default/web"]})
    assert (await get(shop, GROUP))["spec"]["serviceBaselines"] == {"web": "s1", "cart": "s1"}


async def test_an_undone_promotion_does_not_come_back_when_the_one_before_is_undone(
    shop: Api,
) -> None:
    await shop.apply(lane("s2", services=["cart"]))
    promotions = [{"group": "shop", "lane": "s1", "services": ["cart"]}]
    promotions.append({"group": "shop", "lane": "s2"})
    for spec in promotions:
        await shop.answered("promotions", "Promotion", spec)
    for spec, restored in zip(reversed(promotions), ({"cart": "s1"}, {}), strict=True):
        undo = {**spec, "undo": True}
        status = await shop.answered("promotions", "Promotion", undo)
        assert ((await get(shop, GROUP))["spec"].get("serviceBaselines") or {}) == restored
    assert status["patch"] == {"spec": {"serviceBaselines": {"cart": None}}}


async def test_a_baseline_that_files_declare_is_not_promoted_over(shop: Api) -> None:
    (declared,) = [each for each in SHOP if each["kind"] == "LaneGroup"]
    owned = {**declared, "spec": {**declared["spec"], "serviceBaselines": {"cart": "z"}}}
    await shop.apply(owned)
    spec = {"group": "shop", "lane": "s1"}
    failure = await shop.refused("promotions", "Promotion", spec, 409)
    assert '"shop"' in failure["message"]
    assert '{"spec": {"serviceBaselines": {"web": "s1", "cart": "s1"}}}' in failure["message"]
    assert failure["details"]["patch"]["spec"]["serviceBaselines"] == {"web": "s1", "cart": "s1"}
    await shop.answered("promotions", "Promotion", {**spec, "force": True})
    failure = await shop.refused(
        "changesets", "ChangeSet", {"source": "shop", "objects": [owned]}, 409
    )
    assert '"promotion"' in failure["message"]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"group": "shpo", "lane": "s1"}, "spec.group: there is no lane group shpo; did you mean"),
        ({"group": "shop", "lane": "s9"}, "spec.lane: group shop has no lane s9"),
        ({"group": "shop", "lane": "s1", "services": ["crt"]}, "spec.services[0]"),
    ],
)
async def test_what_cannot_be_promoted(shop: Api, spec: dict[str, Any], says: str) -> None:
    failure = await shop.refused("promotions", "Promotion", spec, 422)
    assert says in failure["message"]


async def test_proxies_say_what_they_lack_and_what_they_rejected_last(shop: Api) -> None:
    rejected = ResourceStatus(RDS, "http.80", "2", "1", Verdict.REJECTED, "bad regex")
    pending = ResourceStatus(RDS, "http.81", "2", "1", Verdict.PENDING)
    shop.proxies += [
        ProxyStatus("router~entry.default", True, False, (rejected, pending)),
        ProxyStatus("sidecar~web-z.default", False, True),
    ]
    subject, lanes = ProxyInstance("router~entry.default"), (ObjectKey("Lane", "shop/s1"),)
    shop.events.tell(Rejected(subject, RDS, "http.80", "bad regex", lanes))
    first, second = (await get(shop, f"{ROOT}/proxies"))["items"]
    assert first["metadata"]["name"] == "router.entry.default"
    assert first["status"] == {
        "connected": True,
        "synced": False,
        "unacknowledged": [
            {"type": "RouteConfiguration", "pending": ["http.81"], "rejected": ["http.80"]}
        ],
        "lastRejection": {
            "time": "2026-01-01T12:00:00Z",
            "type": "RouteConfiguration",
            "resource": "http.80",
            "message": "bad regex",
            "objects": [{"kind": "Lane", "name": "shop/s1"}],
        },
    }
    shop.proxies[0] = ProxyStatus("router~entry.default", True, True)
    again = await get(shop, f"{ROOT}/proxies/router.entry.default")
    assert again["status"]["synced"]
    assert again["status"]["lastRejection"] == first["status"]["lastRejection"]
    about = "involvedObject.kind=Lane,involvedObject.name=s1,reason=RejectedByProxies"
    (event,) = (await get(shop, "/api/v1/events", fieldSelector=about))["items"]
    assert "bad regex" in event["message"]
    assert (second["status"]["connected"], second["status"]["lastRejection"]) == (False, None)
    page = await get(shop, f"{ROOT}/proxies", limit="1")
    rest = await get(shop, f"{ROOT}/proxies", **{"continue": page["metadata"]["continue"]})
    assert [each["spec"]["node"] for each in rest["items"]] == ["sidecar~web-z.default"]


async def test_traffic_is_told_by_lane_with_causes_errors_and_latencies(shop: Api) -> None:
    fast = LaneFigures(classes(two=4, ten=4), 40.0, errors=1)
    shop.figures[LanePair("default/web", "s1", "s1")] = fast
    shop.figures[LanePair("default/web", "s1", "z")] = LaneFigures(classes(two=1), 2.0)
    shop.figures[LanePair("default/web", "?", "z")] = LaneFigures(classes(two=2), 3.0)
    shop.figures[LanePair("default/web", "s1", "")] = LaneFigures(classes(two=1), 1.0, errors=1)
    shop.figures[LanePair("default/else", "s1", "s1")] = fast  # of no group
    status = (await get(shop, f"{ROOT}/traffic/shop"))["status"]
    assert (status["requests"], status["errors"], status["fallbacks"]) == (12, 2, 3)
    lanes = {(each["lane"], each["servedLane"]): each for each in status["lanes"]}
    assert {key: each["cause"] for key, each in lanes.items()} == {
        ("?", "z"): "NoSuchLane",
        ("s1", ""): "NoHealthyInstance",
        ("s1", "s1"): "",
        ("s1", "z"): "NoHealthyInstance",
    }
    own = lanes["s1", "s1"]
    assert (own["service"], own["requests"], own["errors"]) == ("default/web", 8, 1)
    assert own["latencyMilliseconds"] == {"p50": 2.0, "p90": 9.0, "p99": 9.9}


async def test_events_tell_of_statuses_that_changed(shop: Api) -> None:
    await shop.settle()
    await shop.client.post(LANES, json=lane("bad", fallback=["s9"]))
    await shop.settle()
    events = await get(shop, "/apis/events.k8s.io/v1/events")
    about = [each for each in events["items"] if each["regarding"]["name"] == "bad"]
    assert about
    assert about[0]["type"] == "Warning"
    assert "s9" in about[0]["note"]
    name, namespace = (about[0]["metadata"][key] for key in ("name", "namespace"))
    one = await get(shop, f"/apis/events.k8s.io/v1/namespaces/{namespace}/events/{name}")
    assert one == about[0]


async def test_lists_are_shown_as_tables(shop: Api) -> None:
    for path in (f"{ROOT}/revisions", f"{ROOT}/proxies", "/apis/events.k8s.io/v1/events"):
        answer = await shop.client.get(path, headers=TABLE)
        assert answer.json()["kind"] == "Table", path
    await shop.settle()
    table = (await shop.client.get(f"{ROOT}/revisions", headers=TABLE)).json()
    assert [column["name"] for column in table["columnDefinitions"]][:3] == [
        "Name",
        "Author",
        "Source",
    ]
    assert table["rows"][0]["cells"][:4] == ["1", "jack", "shop", "10 created"]


async def test_the_kinds_are_discovered_with_what_they_can(shop: Api) -> None:
    resources = {each["name"]: each for each in (await get(shop, ROOT))["resources"]}
    assert resources["changesets"]["verbs"] == ["create"]
    assert resources["revisions"]["verbs"] == ["get", "list", "watch"]
    groups = [each["name"] for each in (await get(shop, "/apis"))["groups"]]
    assert {"api.laneway.dev", "events.k8s.io"} <= set(groups)
    paths = (await get(shop, f"/openapi/v3{ROOT}"))["paths"]
    post = paths[f"{ROOT}/changesets"]["post"]
    assert "dryRun" in {each["name"] for each in post["parameters"]}
    assert set(paths[f"{ROOT}/revisions"]) == {"get"}


async def watched(shop: Api, path: str, count: int, **query: str) -> list[dict[str, Any]]:
    """The first events of a watch."""
    found: list[dict[str, Any]] = []
    asked = {"watch": "true", "timeoutSeconds": "10", **query}
    async with shop.client.stream("GET", path, params=asked) as answer:
        assert answer.status_code == 200, await answer.aread()
        async for each in answer.aiter_lines():
            found.append(json.loads(each))
            if len(found) == count:
                break
    return found


async def test_a_watch_of_proxies_tells_what_changes_and_resumes(shop: Api) -> None:
    shop.proxies.append(ProxyStatus("sidecar~web-z.default", True, True))
    path = f"{ROOT}/proxies"
    listed = await get(shop, path)
    (before,) = listed["items"]
    assert before["metadata"]["resourceVersion"] == listed["metadata"]["resourceVersion"]
    since = {"resourceVersion": listed["metadata"]["resourceVersion"]}
    watch = asyncio.create_task(watched(shop, path, 2, **since))
    await asyncio.sleep(0.05)
    shop.proxies[0] = ProxyStatus("sidecar~web-z.default", False, False)
    shop.proxies.append(ProxyStatus("router~entry.default", True, True))
    events = {each["object"]["spec"]["node"]: each for each in await watch}
    assert {node: each["type"] for node, each in events.items()} == {
        "sidecar~web-z.default": "MODIFIED",
        "router~entry.default": "ADDED",
    }
    assert events["sidecar~web-z.default"]["object"]["status"]["connected"] is False
    # Another client resumes from the same list, and misses nothing that came since.
    again = await watched(shop, path, 2, **since)
    assert {each["object"]["spec"]["node"] for each in again} == set(events)
    del shop.proxies[0]
    last = max(each["object"]["metadata"]["resourceVersion"] for each in again)
    (gone,) = await watched(shop, path, 1, resourceVersion=last)
    assert (gone["type"], gone["object"]["spec"]["node"]) == ("DELETED", "sidecar~web-z.default")


@pytest.mark.parametrize("plural", ["proxies", "traffic", "revisions"])
async def test_a_watch_that_is_too_far_behind_lists_again(shop: Api, plural: str) -> None:
    await get(shop, f"{ROOT}/{plural}")
    for old in ("1", "99999999999999999"):
        query = {"watch": "true", "resourceVersion": old, "timeoutSeconds": "1"}
        answer = await shop.client.get(f"{ROOT}/{plural}", params=query)
        assert answer.status_code == 410, answer.text
        assert (answer.status_code, answer.json()["reason"]) == (410, "Expired")


async def test_traffic_is_watched_with_its_history_bounded(shop: Api) -> None:
    path, pair = f"{ROOT}/traffic", LanePair("default/web", "s1", "s1")
    first = (await get(shop, path))["metadata"]["resourceVersion"]
    for number in range(1, 20):
        shop.figures[pair] = LaneFigures(classes(two=number), 2.0)
        (event,) = await watched(shop, path, 1)
        assert event["object"]["status"]["requests"] == number
    query = {"watch": "true", "resourceVersion": first}
    assert (await shop.client.get(path, params=query)).status_code == 410


async def test_a_watch_of_revisions_begins_where_the_list_ends(shop: Api) -> None:
    path = f"{ROOT}/revisions"
    listed = await get(shop, path, limit="1")
    await weigh(shop, 7)
    since = listed["metadata"]["resourceVersion"]
    (event,) = await watched(shop, path, 1, resourceVersion=since)
    assert event["type"] == "ADDED"
    assert event["object"]["status"]["changes"][0]["name"] == "s1"
    assert int(event["object"]["metadata"]["name"]) > int(listed["items"][0]["metadata"]["name"])
    every = await watched(shop, path, 2)
    assert [each["type"] for each in every] == ["ADDED", "ADDED"]


async def test_old_revisions_that_make_room_are_not_told_as_deleted(
    shop: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revision_lists, "_WATCHED", 2)
    since = (await get(shop, f"{ROOT}/revisions"))["metadata"]["resourceVersion"]
    watch = asyncio.create_task(watched(shop, f"{ROOT}/revisions", 4, resourceVersion=since))
    for weight in range(1, 5):
        await weigh(shop, weight)
        await asyncio.sleep(0)
    assert [each["type"] for each in await watch] == ["ADDED"] * 4
    assert len((await get(shop, f"{ROOT}/revisions"))["items"]) == 5


async def test_browsers_watch_by_server_sent_events(shop: Api) -> None:
    shop.proxies.append(ProxyStatus("router~entry.default", True, True))
    headers = {"accept": "text/event-stream"}
    query = {"watch": "true"}
    async with shop.client.stream(
        "GET", f"{ROOT}/proxies", params=query, headers=headers
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        number, data = await anext(lines), await anext(lines)
    found = json.loads(data.removeprefix("data: "))
    assert number == f"id: {found['object']['metadata']['resourceVersion']}"
    assert (found["type"], found["object"]["kind"]) == ("ADDED", "Proxy")


async def test_events_are_core_events_too_and_are_chosen_by_what_they_are_about(shop: Api) -> None:
    await shop.settle()
    await shop.client.post(LANES, json=lane("bad", fallback=["s9"]))
    await shop.settle()
    uid = (await get(shop, f"{LANES}/bad"))["metadata"]["uid"]
    about = f"involvedObject.name=bad,involvedObject.kind=Lane,involvedObject.uid={uid}"
    chosen = await get(shop, "/api/v1/events", fieldSelector=about)
    assert chosen["items"]
    for each in chosen["items"]:
        assert (each["kind"], each["involvedObject"]["name"]) == ("Event", "bad")
        assert each["source"] == {"component": "laneway"}
        assert each["count"] == 1
    newer = await get(shop, "/apis/events.k8s.io/v1/events", fieldSelector="regarding.name=bad")
    names = [[each["metadata"]["name"] for each in found["items"]] for found in (chosen, newer)]
    assert names[0] == names[1]
    others = await get(shop, "/api/v1/events", fieldSelector="involvedObject.name!=bad")
    assert not any(each["involvedObject"]["name"] == "bad" for each in others["items"])
    for wrong in ("involvedObject.colour=red", "regarding.name=bad"):
        answer = await shop.client.get("/api/v1/events", params={"fieldSelector": wrong})
        assert answer.status_code == 400
    resources = {each["name"]: each for each in (await get(shop, "/api/v1"))["resources"]}
    assert resources["events"]["shortNames"] == ["ev"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "changesets"), ("POST", "revisions"), ("DELETE", "revisions/1"), ("PUT", "previews")],
)
async def test_what_a_kind_cannot_is_not_allowed(shop: Api, method: str, path: str) -> None:
    answer = await shop.client.request(method, f"{ROOT}/{path}")
    assert (answer.status_code, answer.json()["reason"]) == (405, "MethodNotAllowed")


async def test_a_body_of_another_kind_is_refused(shop: Api) -> None:
    answer = await shop.client.post(
        f"{ROOT}/changesets", json={"apiVersion": API, "kind": "Preview", "spec": {}}
    )
    assert answer.status_code == 400
    assert "'Preview', and must be 'ChangeSet'" in answer.json()["message"]


def _hops(status: dict[str, Any]) -> list[dict[str, Any]]:
    return [{_snake(k): v for k, v in hop.items()} for hop in status["hops"]]


def _snake(name: str) -> str:
    return {"servedLane": "served_lane", "intendedLane": "intended_lane"}.get(name, name)
