"""Reading and writing objects over HTTP, as Kubernetes' API concepts describe it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.adapters.http.servers import (
    GROUPS,
    LANES,
    NOW,
    SERVICES,
    V1,
    api_server,
    lane,
    service,
)

pytestmark = pytest.mark.slow

APPLY = {"content-type": "application/apply-patch+yaml"}
MERGE = {"content-type": "application/merge-patch+json"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with api_server() as client:
        yield client


async def created(client: httpx.AsyncClient, *manifests: dict[str, Any]) -> list[dict[str, Any]]:
    answers = []
    for manifest in manifests:
        path = SERVICES if manifest["kind"] == "Service" else LANES
        answer = await client.post(path, json=manifest)
        assert answer.status_code == 201, answer.text
        answers.append(answer.json())
    return answers


async def names(client: httpx.AsyncClient, path: str = LANES, **query: str) -> list[str]:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [item["metadata"]["name"] for item in answer.json()["items"]]


async def test_what_is_created_is_answered_with_what_the_server_fills_in(
    client: httpx.AsyncClient,
) -> None:
    (made,) = await created(client, lane("s1", weight=10))
    managed = made["metadata"].pop("managedFields")
    assert made == {
        "apiVersion": V1,
        "kind": "Lane",
        "metadata": {
            "name": "s1",
            "uid": "uid-1",
            "creationTimestamp": "2026-01-01T12:00:00Z",
            "generation": 1,
            "resourceVersion": "1",
        },
        "spec": {
            "group": "shop",
            "selector": {"version": "s1"},
            "weight": 10,
            "enabled": True,
            "order": 0,
        },
    }
    assert [(entry["manager"], entry["operation"]) for entry in managed] == [
        ("python-httpx", "Update")
    ]
    assert (await client.get(f"{LANES}/s1")).json()["metadata"]["uid"] == "uid-1"


async def test_a_name_is_created_once(client: httpx.AsyncClient) -> None:
    await created(client, lane("s1"))
    again = await client.post(LANES, json=lane("s1"))
    assert again.status_code == 409
    assert again.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'lanes.laneway.dev "s1" already exists',
        "reason": "AlreadyExists",
        "code": 409,
        "details": {"name": "s1", "group": "laneway.dev", "kind": "lanes"},
    }


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, method: str) -> None:
    body = None if method in ("GET", "DELETE") else lane("s1")
    headers = MERGE if method == "PATCH" else {}
    answer = await client.request(method, f"{LANES}/s1", json=body, headers=headers)
    missing = 'lanes.laneway.dev "s1" not found'
    assert (answer.status_code, answer.json()["message"]) == (404, missing)


async def test_a_replacement_from_an_outdated_version_is_a_conflict(
    client: httpx.AsyncClient,
) -> None:
    (made,) = await created(client, lane("s1"))
    made["spec"]["weight"] = 10
    first = await client.put(f"{LANES}/s1", json=made)
    assert (first.status_code, first.json()["metadata"]["resourceVersion"]) == (200, "2")
    made["spec"]["weight"] = 20
    second = await client.put(f"{LANES}/s1", json=made)
    assert second.status_code == 409
    assert "it is at 2, the request at 1" in second.json()["message"]
    assert (await client.get(f"{LANES}/s1")).json()["spec"]["weight"] == 10


async def test_a_change_of_what_is_declared_is_a_new_generation(client: httpx.AsyncClient) -> None:
    await created(client, lane("s1"))
    labels = await client.patch(
        f"{LANES}/s1", json={"metadata": {"labels": {"a": "b"}}}, headers=MERGE
    )
    assert labels.json()["metadata"]["generation"] == 1
    weight = await client.patch(f"{LANES}/s1", json={"spec": {"weight": 10}}, headers=MERGE)
    assert weight.json()["metadata"]["generation"] == 2


async def test_a_write_that_changes_nothing_is_no_revision(client: httpx.AsyncClient) -> None:
    (made,) = await created(client, lane("s1"))
    answer = await client.put(f"{LANES}/s1", json=made)
    assert answer.json() == made


async def test_a_status_is_written_apart(client: httpx.AsyncClient) -> None:
    (made,) = await created(client, lane("s1"))
    status = {"conditions": [], "observedGeneration": 1}
    both = {**made, "status": status, "spec": {**made["spec"], "weight": 99}}
    answer = await client.put(f"{LANES}/s1/status", json=both)
    assert answer.json()["status"] == status
    assert answer.json()["spec"]["weight"] == 0
    version = answer.json()["metadata"]["resourceVersion"]
    both["metadata"] = {"name": "s1", "resourceVersion": version}
    both["status"] = {}
    answer = await client.put(f"{LANES}/s1", json=both)
    assert (answer.json()["status"], answer.json()["spec"]["weight"]) == (status, 99)


async def test_what_is_deleted_is_gone(client: httpx.AsyncClient) -> None:
    (made,) = await created(client, lane("s1"))
    other = {"preconditions": {"uid": "another"}}
    refused = await client.request("DELETE", f"{LANES}/s1", json=other)
    assert refused.status_code == 409
    same = {"preconditions": {"uid": made["metadata"]["uid"]}}
    answer = await client.request("DELETE", f"{LANES}/s1", json=same)
    assert (answer.status_code, answer.json()["status"]) == (200, "Success")
    assert (await client.get(f"{LANES}/s1")).status_code == 404


async def test_a_collection_is_deleted_by_selector(client: httpx.AsyncClient) -> None:
    await created(client, lane("s1", {"a": "b"}), lane("s2"), lane("s3", {"a": "b"}))
    await client.delete(LANES, params={"labelSelector": "a=b"})
    assert await names(client) == ["s2"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"labelSelector": "tier=web"}, ["s1"]),
        ({"labelSelector": "tier!=web"}, ["s2", "s3"]),
        ({"labelSelector": "tier in (web, db)"}, ["s1", "s2"]),
        ({"labelSelector": "tier notin (web)"}, ["s2", "s3"]),
        ({"labelSelector": "tier"}, ["s1", "s2"]),
        ({"labelSelector": "!tier"}, ["s3"]),
        ({"labelSelector": "tier in (web,db),tier!=db"}, ["s1"]),
        ({"fieldSelector": "metadata.name=s2"}, ["s2"]),
        ({"fieldSelector": "metadata.name!=s2"}, ["s1", "s3"]),
    ],
)
async def test_selectors(
    client: httpx.AsyncClient, query: dict[str, str], found: list[str]
) -> None:
    await created(client, lane("s1", {"tier": "web"}), lane("s2", {"tier": "db"}), lane("s3"))
    assert await names(client, **query) == found


@pytest.mark.parametrize(
    "query",
    [
        {"labelSelector": "a=b=c"},
        {"labelSelector": "a in b"},
        {"fieldSelector": "spec.group=shop"},
        {"limit": "many"},
        {"continue": "nonsense"},
        {"watch": "perhaps"},
        {"watch": "1", "resourceVersion": "-1"},
    ],
)
async def test_a_query_that_cannot_be_read_is_refused(
    client: httpx.AsyncClient, query: dict[str, str]
) -> None:
    answer = await client.get(LANES, params=query)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")


async def test_a_list_in_pages_is_of_one_revision(client: httpx.AsyncClient) -> None:
    await created(client, *(lane(f"s{number}") for number in range(5)))
    first = (await client.get(LANES, params={"limit": "2"})).json()
    assert first["metadata"]["remainingItemCount"] == 3
    await client.delete(f"{LANES}/s3")
    await created(client, lane("s9"))
    seen, page = [item["metadata"]["name"] for item in first["items"]], first
    while token := page["metadata"].get("continue"):
        page = (await client.get(LANES, params={"limit": "2", "continue": token})).json()
        assert page["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        seen += [item["metadata"]["name"] for item in page["items"]]
    assert seen == ["s0", "s1", "s2", "s3", "s4"]


async def test_objects_of_all_namespaces(client: httpx.AsyncClient) -> None:
    elsewhere = SERVICES.replace("default", "elsewhere")
    await created(client, service("web", 80))
    assert (await client.post(elsewhere, json=service("cart", 80))).status_code == 201
    assert await names(client, "/api/v1/services") == ["web", "cart"]
    assert await names(client, elsewhere) == ["cart"]
    refused = await client.post("/api/v1/services", json=service("x", 80))
    assert refused.status_code == 405


async def test_an_object_in_another_place_than_its_url_is_refused(
    client: httpx.AsyncClient,
) -> None:
    manifest = service("web", 80)
    manifest["metadata"]["namespace"] = "elsewhere"
    answer = await client.post(SERVICES, json=manifest)
    expected = "the namespace of the object (elsewhere) is not the one in the URL (default)"
    assert (answer.status_code, answer.json()["message"]) == (400, expected)


async def test_an_invalid_object_is_refused_with_the_findings_as_causes(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(LANES, json=lane("s1", weight="ten"))
    assert answer.status_code == 422
    status = answer.json()
    assert status["reason"] == "Invalid"
    (cause,) = status["details"]["causes"]
    assert (cause["field"], cause["reason"]) == ("spec.weight", "WRONG_TYPE")
    assert status["message"].startswith('Lane.laneway.dev "s1" is invalid: spec.weight: ')


async def test_unknown_fields_are_refused_warned_of_or_dropped(client: httpx.AsyncClient) -> None:
    manifest = lane("s1", wieght=10)
    strict = await client.post(LANES, json=manifest, params={"fieldValidation": "Strict"})
    expected = 'strict decoding error: unknown field "spec.wieght" (did you mean weight?)'
    assert (strict.status_code, strict.json()["message"]) == (400, expected)
    ignored = await client.post(
        LANES, json=manifest, params={"fieldValidation": "Ignore", "dryRun": "All"}
    )
    assert (ignored.status_code, ignored.headers.get("warning")) == (201, None)
    warned = await client.post(LANES, json=manifest)
    assert warned.headers["warning"] == (
        '299 - "unknown field \\"spec.wieght\\" (did you mean weight?)"'
    )
    assert "wieght" not in warned.json()["spec"]


async def test_a_dry_run_keeps_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.post(LANES, json=lane("s1"), params={"dryRun": "All"})
    assert answer.status_code == 201
    assert await names(client) == []
    await created(client, lane("s1"))
    patch = {"spec": {"weight": 10}}
    await client.patch(f"{LANES}/s1", json=patch, headers=MERGE, params={"dryRun": "All"})
    await client.delete(f"{LANES}/s1", params={"dryRun": "All"})
    assert (await client.get(f"{LANES}/s1")).json()["spec"]["weight"] == 0


async def test_server_side_apply_names_who_owns_a_field(client: httpx.AsyncClient) -> None:
    manifest = lane("s1", weight=10)
    query = {"fieldManager": "flux"}
    made = await client.patch(f"{LANES}/s1", json=manifest, headers=APPLY, params=query)
    assert made.status_code == 201, made.text
    manifest["spec"]["weight"] = 20
    query = {"fieldManager": "jack"}
    refused = await client.patch(f"{LANES}/s1", json=manifest, headers=APPLY, params=query)
    assert refused.status_code == 409
    assert refused.json()["message"] == (
        'Apply failed with 1 conflict: conflict with "flux": .spec.weight'
    )
    assert refused.json()["details"]["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "flux"',
            "field": ".spec.weight",
        }
    ]
    query["force"] = "true"
    forced = await client.patch(f"{LANES}/s1", json=manifest, headers=APPLY, params=query)
    assert (forced.status_code, forced.json()["spec"]["weight"]) == (200, 20)


async def test_defaults_in_lists_are_no_conflict_and_no_change(client: httpx.AsyncClient) -> None:
    group = {
        "apiVersion": V1,
        "kind": "LaneGroup",
        "metadata": {"name": "shop"},
        "spec": {
            "gateway": "entry",
            "routeHeader": "x-lane",
            "services": ["web"],
            "ingress": [{"name": "all", "destination": "web"}],
        },
    }
    made = (await client.post(GROUPS, json=group)).json()
    assert made["spec"]["ingress"][0]["online"] is True
    applied = await client.patch(
        f"{GROUPS}/shop", json=group, headers=APPLY, params={"fieldManager": "flux"}
    )
    assert applied.status_code == 200, applied.text
    assert applied.json()["metadata"]["generation"] == 1


async def test_a_table_has_the_columns_of_the_definition(client: httpx.AsyncClient) -> None:
    await created(client, lane("s1", weight=10))
    accept = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    table = (await client.get(LANES, headers=accept)).json()
    assert [column["name"] for column in table["columnDefinitions"]] == [
        "Name", "Group", "Weight", "Accepted", "Programmed", "Ready", "Age",
    ]  # fmt: skip
    (row,) = table["rows"]
    assert row["cells"] == ["s1", "shop", 10, None, None, None, "0s"]
    assert row["object"]["kind"] == "PartialObjectMetadata"


@pytest.mark.parametrize(
    ("headers", "content", "code"),
    [
        ({"content-type": "text/html"}, b"{}", 415),
        ({"content-type": "application/json"}, b"{", 400),
        ({"content-type": "application/json"}, b"[]", 400),
        ({"content-type": "application/json"}, b'{"metadata": []}', 400),
        ({"content-type": "application/json"}, b'{"a": NaN}', 400),
        ({"content-type": "application/json"}, b"\xff", 400),
        ({"content-type": "application/json"}, b"[" * 100_000, 400),
        ({"content-type": "application/json"}, b"[" * 200 + b"]" * 200, 400),
        ({"content-type": "application/json"}, rb'{"apiVersion": "\ud800"}', 400),
        ({"content-type": "application/json"}, rb'{"\uDFFF": 1}', 400),
        ({"content-type": "application/yaml"}, b"a: [", 400),
        ({"content-type": "application/json"}, b" " * 3_000_000, 413),
        ({"content-type": "application/json"}, b'{"apiVersion": "v1", "kind": "Pod"}', 400),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str], content: bytes, code: int
) -> None:
    answer = await client.post(LANES, content=content, headers=headers)
    assert (answer.status_code, answer.json()["kind"]) == (code, "Status")


async def test_an_object_does_not_grow_without_end(client: httpx.AsyncClient) -> None:
    await created(client, lane("s1"))
    for number in range(3):
        labels = {f"{'a' * 200}/{number}-{each}": "x" for each in range(4_000)}
        patch = {"metadata": {"labels": labels}}
        answer = await client.patch(f"{LANES}/s1", json=patch, headers=MERGE)
    assert (answer.status_code, answer.json().get("reason")) == (413, "RequestEntityTooLarge")


async def test_text_beyond_the_first_plane_may_be_escaped(client: httpx.AsyncClient) -> None:
    await created(client, lane("s1"))
    patch = rb'{"metadata": {"annotations": {"note": "\ud83d\ude80"}}}'
    answer = await client.patch(f"{LANES}/s1", content=patch, headers=MERGE)
    assert answer.json()["metadata"]["annotations"] == {"note": "\U0001f680"}


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/apis/laneway.dev/v1/lanes", "/api/v1/pods", "/apis/laneway.dev/v1alpha1/x/y/z"],
)
async def test_what_is_not_served_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["reason"]) == (404, "NotFound")


async def test_a_cluster_scoped_object_has_no_namespace(client: httpx.AsyncClient) -> None:
    answer = await client.get("/apis/laneway.dev/v1alpha1/namespaces/default/lanes")
    assert answer.status_code == 404


async def test_openapi_v2_is_empty_so_that_clients_leave_validation_to_the_server(
    client: httpx.AsyncClient,
) -> None:
    plain = (await client.get("/openapi/v2")).json()
    assert (plain["paths"], plain["definitions"]) == ({}, {})
    wanted = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    answer = await client.get("/openapi/v2", headers={"accept": wanted})
    # Go reads no `@` in a media type.
    assert answer.headers["content-type"] == wanted.replace("@", ".")
    assert answer.content == b"\n\x032.0\x12\x10\n\x07laneway\x12\x051.2.3B\x00"


OVER, LATER = "2026-01-01T12:00:00Z", "2026-01-01T12:00:01Z"


class Clock:
    """Of a server: a lane expires while it stands."""

    def __init__(self) -> None:
        self.now = NOW - timedelta(seconds=1)

    def __call__(self) -> datetime:
        return self.now


def expired_causes(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(each["reason"], each["field"]) for each in answer.json()["details"]["causes"]]


REFUSED = [("LANE_EXPIRED", "spec.expiresAt")]


async def test_a_lane_that_has_expired_is_refused_in_whatever_way_it_is_written(
    client: httpx.AsyncClient,
) -> None:
    over = lane("s2", expiresAt=OVER)
    answer = await client.post(LANES, json=over)
    assert expired_causes(answer) == REFUSED
    assert answer.json()["message"] == (
        'Lane.laneway.dev "s2" is invalid: spec.expiresAt: lane s2 expired at '
        "2026-01-01T12:00:00Z; remove the lane, or give it another time"
    )
    applied = await client.patch(
        f"{LANES}/s2", json=over, headers=APPLY, params={"fieldManager": "kubectl"}
    )
    assert expired_causes(applied) == REFUSED
    (made,) = await created(client, lane("s2", expiresAt=LATER))
    requests: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        ("PUT", {**made, "spec": {**made["spec"], "expiresAt": OVER}}, {}),
        ("PATCH", {"spec": {"expiresAt": OVER}}, MERGE),
        ("PATCH", {"spec": {"expiresAt": "2026-01-01T20:00:00+08:00"}}, MERGE),
    ]
    for method, body, headers in requests:
        answer = await client.request(method, f"{LANES}/s2", json=body, headers=headers)
        assert expired_causes(answer) == REFUSED
    dry = await client.patch(
        f"{LANES}/s2",
        json={"spec": {"expiresAt": OVER}},
        headers=MERGE,
        params={"dryRun": "All"},
    )
    assert expired_causes(dry) == REFUSED
    assert (await client.get(f"{LANES}/s2")).json()["spec"]["expiresAt"] == LATER


async def test_a_lane_that_expired_while_it_was_stored_is_still_labelled_and_deleted() -> None:
    clock = Clock()
    async with api_server(clock=clock) as client:
        made = lane("s2", expiresAt=OVER)
        await created(client, made)
        clock.now = NOW
        path = f"{LANES}/s2"
        note = {"metadata": {"annotations": {"note": "over"}, "labels": {"team": "pay"}}}
        answer = await client.patch(path, json=note, headers=MERGE)
        assert answer.status_code == 200, answer.text
        assert answer.json()["metadata"]["labels"] == {"team": "pay"}
        version = answer.json()["metadata"]["resourceVersion"]
        metadata = {"name": "s2", "resourceVersion": version}
        again = await client.put(path, json={**answer.json(), "metadata": metadata})
        assert again.status_code == 200
        status = {**again.json(), "status": {"conditions": [], "observedGeneration": 1}}
        assert (await client.put(f"{path}/status", json=status)).status_code == 200
        # To apply it as it was is no way to renew it, and a weight is a change of the lane.
        query = {"fieldManager": "ci", "force": "true"}
        applied = await client.patch(path, json=made, headers=APPLY, params=query)
        assert expired_causes(applied) == REFUSED
        body = {**made, "metadata": {"name": "s2", "labels": {"team": "shop"}}, "spec": {}}
        labelled = await client.patch(path, json=body, headers=APPLY, params=query)
        assert labelled.status_code == 200, labelled.text
        weight = await client.patch(path, json={"spec": {"weight": 5}}, headers=MERGE)
        assert expired_causes(weight) == REFUSED
        renewed = await client.patch(path, json={"spec": {"expiresAt": LATER}}, headers=MERGE)
        assert renewed.status_code == 200
        clock.now += timedelta(seconds=1)
        assert (await client.delete(path)).status_code == 200


async def test_a_lane_that_serves_as_a_baseline_is_written_though_its_time_is_over(
    client: httpx.AsyncClient,
) -> None:
    spec = {"routeHeader": "x-lane", "services": ["web"]}
    shop = {"apiVersion": V1, "kind": "LaneGroup", "metadata": {"name": "shop"}, "spec": spec}
    assert (await client.post(GROUPS, json=shop)).status_code == 201
    await created(client, lane("s1", expiresAt=OVER))  # the first lane
    assert expired_causes(await client.post(LANES, json=lane("s2", expiresAt=OVER))) == REFUSED
    promoted = {"spec": {"serviceBaselines": {"web": "s2"}}}
    answer = await client.patch(f"{GROUPS}/shop", json=promoted, headers=MERGE)
    assert answer.status_code == 200, answer.text
    await created(client, lane("s2", expiresAt=OVER))
