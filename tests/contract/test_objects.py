"""What clients of Kubernetes rely upon, on laneway's own server and on a cluster's.

What differs is in the documentation, ``docs/reference/api.md``, and not here.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from tests.contract.conftest import SERVICES, Server
from tests.contract.media_types import JSON_PATCH, MERGE, STRATEGIC, TABLE
from tests.wiring.api_servers import LANES, V1

pytestmark = pytest.mark.slow


async def names(server: Server, **query: str) -> list[str]:
    query = {"labelSelector": server.selector, **query}
    items = (await server.get(LANES, query))["items"]
    return [each["metadata"]["name"].removeprefix(f"{server.run}-") for each in items]


async def settled(server: Server, path: str) -> dict[str, Any]:
    """The object, when nobody writes its status any more."""
    found = await server.get(path)
    for _ in range(100):
        await asyncio.sleep(0.1)
        before, found = found, await server.get(path)
        if before == found:
            return found
    raise AssertionError(found)


async def test_a_created_object_has_what_the_server_fills_in(server: Server) -> None:
    (made,) = await server.create(server.lane(weight=5))
    metadata = made["metadata"]
    assert metadata["uid"]
    assert metadata["resourceVersion"].isdecimal()
    assert metadata["creationTimestamp"].endswith("Z")
    assert metadata["generation"] == 1
    assert metadata["managedFields"][0]["operation"] == "Update"
    assert made["spec"]["weight"] == 5
    found = await server.get(server.path())
    assert found["metadata"]["uid"] == metadata["uid"]
    assert found["spec"] == made["spec"]


async def test_a_name_is_taken_once(server: Server) -> None:
    await server.create(server.lane())
    status = await server.ask("POST", LANES, 409, json=server.lane())
    assert (status["kind"], status["reason"]) == ("Status", "AlreadyExists")


async def test_the_server_ends_a_name_that_is_begun(server: Server) -> None:
    lane = server.lane()
    del lane["metadata"]["name"]
    lane["metadata"]["generateName"] = f"{server.run}-"
    made = await server.create(lane, lane)
    first, second = (each["metadata"]["name"] for each in made)
    assert first != second
    for each in made:
        assert each["metadata"]["generateName"] == f"{server.run}-"
        assert re.fullmatch(rf"{server.run}-[a-z0-9]{{5}}", each["metadata"]["name"])
    del lane["metadata"]["generateName"]
    status = await server.ask("POST", LANES, 422, json=lane)
    assert "name or generateName is required" in status["message"]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("labels", {"a b": "c"}),
        ("labels", {"a/b/c": "d"}),
        ("labels", {"a": "b c"}),
        ("labels", {"a": "b" * 64}),
        ("annotations", {"a b": "c"}),
        ("annotations", {"a": "b" * 262_144}),
        ("finalizers", ["a b"]),
        ("ownerReferences", [{"apiVersion": V1, "kind": "LaneGroup", "name": "shop"}]),
    ],
)
async def test_metadata_that_is_not_legal_is_refused(
    server: Server, field: str, wrong: Any
) -> None:
    lane = server.lane()
    lane["metadata"][field] = wrong
    status = await server.ask("POST", LANES, 422, json=lane)
    causes = [each["field"] for each in status["details"]["causes"]]
    assert causes[0].startswith(f"metadata.{field}")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_what_is_not_there_is_not_found(server: Server, method: str) -> None:
    body = {"json": server.lane()} if method in ("PUT", "PATCH") else {}
    headers = {"content-type": MERGE} if method == "PATCH" else {}
    if method == "PUT":
        body["json"]["metadata"]["resourceVersion"] = "1"
    status = await server.ask(method, server.path(), 404, headers=headers, **body)
    assert status["reason"] == "NotFound"
    assert status["details"]["name"] == f"{server.run}-one"
    assert status["details"]["group"] == "laneway.dev"
    assert status["details"]["kind"] == "lanes"


async def test_a_head_request_changes_nothing(server: Server) -> None:
    await server.create(server.lane())
    for path in (server.path(), LANES):
        answer = await server.client.head(path, params={"labelSelector": server.selector})
        assert (answer.status_code, answer.content) == (200, b"")
    assert await names(server) == ["one"]


async def test_a_replacement_from_an_outdated_version_is_a_conflict(server: Server) -> None:
    await server.create(server.lane())
    made = await settled(server, server.path())
    changed = {**made, "spec": {**made["spec"], "weight": 5}}
    after = await server.ask("PUT", server.path(), json=changed)
    assert after["metadata"]["generation"] == 2
    assert int(after["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    assert after["metadata"]["uid"] == made["metadata"]["uid"]
    status = await server.ask("PUT", server.path(), 409, json=changed)
    assert status["reason"] == "Conflict"


async def test_a_replacement_says_which_version_it_replaces(server: Server) -> None:
    await server.create(server.lane())
    status = await server.ask("PUT", server.path(), 422, json=server.lane(weight=5))
    (cause,) = status["details"]["causes"]
    assert cause["field"] == "metadata.resourceVersion"
    assert (await server.get(server.path()))["spec"]["weight"] == 0


async def test_labels_are_no_new_generation_and_the_same_again_is_no_new_version(
    server: Server,
) -> None:
    await server.create(server.lane())
    made = await settled(server, server.path())
    labels = {"metadata": {"labels": {"colour": "red"}}}
    await server.patch(MERGE, server.path(), labels)
    labelled = await settled(server, server.path())
    assert labelled["metadata"]["generation"] == 1
    assert labelled["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
    again = await server.patch(MERGE, server.path(), labels)
    assert again["metadata"]["resourceVersion"] == labelled["metadata"]["resourceVersion"]


async def test_a_status_is_written_apart(server: Server) -> None:
    await server.create(server.lane(weight=1))
    both = {"spec": {"weight": 2}, "status": {"observedGeneration": 7}}
    of_spec = await server.patch(MERGE, server.path(), both)
    assert of_spec["spec"]["weight"] == 2
    assert (of_spec.get("status") or {}).get("observedGeneration") != 7
    both["spec"] = {"weight": 3}
    of_status = await server.patch(MERGE, f"{server.path()}/status", both)
    assert (of_status["spec"]["weight"], of_status["status"]["observedGeneration"]) == (2, 7)
    assert of_status["metadata"]["generation"] == of_spec["metadata"]["generation"]


async def test_an_invalid_status_is_refused(server: Server) -> None:
    await server.create(server.lane())
    wrong = {"status": {"observedGeneration": "seven"}}
    status = await server.patch(MERGE, f"{server.path()}/status", wrong, 422)
    assert "status.observedGeneration" in [each["field"] for each in status["details"]["causes"]]


async def test_what_is_deleted_is_gone(server: Server) -> None:
    (made,) = await server.create(server.lane())
    other = {"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}}
    status = await server.ask("DELETE", server.path(), 409, json=other)
    assert status["reason"] == "Conflict"
    mine = {"preconditions": {"uid": made["metadata"]["uid"]}}
    status = await server.ask("DELETE", server.path(), json=mine)
    assert status["status"] == "Success"
    await server.get(server.path(), code=404)


async def test_a_collection_is_deleted_by_a_selector(server: Server) -> None:
    await server.create(*(server.lane(each) for each in ("one", "two", "three")))
    await server.patch(MERGE, server.path("two"), {"metadata": {"labels": {"kept": "yes"}}})
    query = {"labelSelector": f"{server.selector},!kept"}
    deleted = await server.ask("DELETE", LANES, params=query)
    assert deleted["kind"] == "LaneList"
    found = [each["metadata"]["name"] for each in deleted["items"]]
    assert found == [f"{server.run}-one", f"{server.run}-three"]
    assert await names(server) == ["two"]


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ("colour=red", ["one"]),
        ("colour==red", ["one"]),
        ("colour!=red", ["three", "two"]),
        ("colour in (red,blue)", ["one", "two"]),
        ("colour notin (red)", ["three", "two"]),
        ("colour", ["one", "two"]),
        ("!colour", ["three"]),
        ("number>5", ["one"]),
        ("number<5", []),
        ("number<10", ["one"]),
    ],
)
async def test_label_selectors(server: Server, labels: str, found: list[str]) -> None:
    lanes = [server.lane(each) for each in ("one", "two", "three")]
    lanes[0]["metadata"]["labels"]["colour"] = "red"
    lanes[1]["metadata"]["labels"]["colour"] = "blue"
    lanes[0]["metadata"]["labels"]["number"] = "7"
    lanes[1]["metadata"]["labels"]["number"] = "seven"
    await server.create(*lanes)
    assert await names(server, labelSelector=f"{server.selector},{labels}") == found


async def test_field_selectors(server: Server) -> None:
    await server.create(server.lane("one"), server.lane("two"))
    assert await names(server, fieldSelector=f"metadata.name={server.run}-two") == ["two"]
    assert await names(server, fieldSelector=f"metadata.name!={server.run}-two") == ["one"]
    for query in ({"fieldSelector": "spec.weight=5"}, {"labelSelector": "a in"}):
        status = await server.get(LANES, query, code=400)
        assert status["reason"] == "BadRequest"


async def test_pages_are_of_one_revision(server: Server) -> None:
    await server.create(*(server.lane(each) for each in "abcde"))
    query = {"labelSelector": server.selector, "limit": "2"}
    first = await server.get(LANES, query)
    await server.create(server.lane("bb"))
    seen = first["items"]
    token = first["metadata"]["continue"]
    while token:
        page = await server.get(LANES, {**query, "continue": token})
        assert page["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        seen += page["items"]
        token = page["metadata"].get("continue", "")
    assert [each["metadata"]["name"][-1] for each in seen] == list("abcde")


async def test_a_list_says_how_many_remain_of_all(server: Server) -> None:
    await server.create(*(server.lane(each) for each in "abc"))
    every = await server.get(LANES, {"limit": "1"})
    assert every["metadata"]["remainingItemCount"] >= 2
    some = await server.get(LANES, {"limit": "1", "labelSelector": server.selector})
    assert "remainingItemCount" not in some["metadata"]
    token = some["metadata"]["continue"]
    version = some["metadata"]["resourceVersion"]
    await server.get(LANES, {"continue": token, "resourceVersion": version}, code=400)


async def test_a_list_cannot_be_of_a_version_that_is_not_there_yet(server: Server) -> None:
    now = int((await server.get(LANES))["metadata"]["resourceVersion"])
    for match in ({}, {"resourceVersionMatch": "Exact"}):
        query = {"resourceVersion": str(now + 100_000), "timeoutSeconds": "1", **match}
        status = await server.get(LANES, query, code=504)
        assert status["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


async def test_an_invalid_object_is_refused_with_its_fields(server: Server) -> None:
    status = await server.ask("POST", LANES, 422, json=server.lane(weight=101))
    assert status["reason"] == "Invalid"
    assert status["details"]["name"] == f"{server.run}-one"
    assert "spec.weight" in [each["field"] for each in status["details"]["causes"]]
    await server.get(server.path(), code=404)


async def test_unknown_fields_are_refused_warned_of_or_dropped(server: Server) -> None:
    lane = server.lane(colour="red")
    strict = {"fieldValidation": "Strict"}
    odd = server.lane()
    odd["metadata"]["colour"] = "red"
    status = await server.ask("POST", LANES, 400, json=odd, params=strict)
    assert 'unknown field "metadata.colour"' in status["message"]
    status = await server.ask("POST", LANES, 400, json=lane, params=strict)
    assert 'unknown field "spec.colour"' in status["message"]
    for validation, warns in (("Warn", True), ("Ignore", False)):
        query = {"fieldValidation": validation, "dryRun": "All"}
        answer = await server.client.post(LANES, json=lane, params=query)
        assert answer.status_code == 201
        assert ("spec.colour" in answer.headers.get("warning", "")) is warns
        assert "colour" not in answer.json()["spec"]


async def test_a_field_that_is_given_twice_is_refused(server: Server) -> None:
    text = json.dumps(server.lane()).replace('"group":', '"group": "other", "group":')
    headers, strict = {"content-type": "application/json"}, {"fieldValidation": "Strict"}
    await server.ask("POST", LANES, 400, content=text, headers=headers, params=strict)
    assert await names(server) == []


async def test_a_dry_run_keeps_nothing(server: Server) -> None:
    dry = {"dryRun": "All"}
    await server.ask("POST", LANES, 201, json=server.lane(), params=dry)
    assert await names(server) == []
    await server.create(server.lane(weight=1))
    seen = await server.patch(MERGE, server.path(), {"spec": {"weight": 2}}, query=dry)
    assert seen["spec"]["weight"] == 2
    await server.ask("DELETE", server.path(), params=dry)
    assert (await server.get(server.path()))["spec"]["weight"] == 1


@pytest.mark.parametrize(
    ("method", "query", "field"),
    [
        ("POST", {"dryRun": "Some"}, "dryRun"),
        ("POST", {"fieldValidation": "Loud"}, "fieldValidation"),
        ("POST", {"fieldManager": "m" * 129}, "fieldManager"),
        ("POST", {"fieldManager": "a\nb"}, "fieldManager"),
        ("PATCH", {"force": "true"}, "force"),
        ("DELETE", {"dryRun": "Some"}, "dryRun"),
        ("DELETE", {"propagationPolicy": "Sometimes"}, "propagationPolicy"),
        ("GET", {"resourceVersionMatch": "Exact"}, "resourceVersionMatch"),
        ("GET", {"resourceVersionMatch": "Most", "resourceVersion": "1"}, "resourceVersionMatch"),
        ("GET", {"sendInitialEvents": "true"}, "sendInitialEvents"),
        ("GET", {"sendInitialEvents": "true", "watch": "true"}, "resourceVersionMatch"),
        (
            "GET",
            {"resourceVersionMatch": "NotOlderThan", "resourceVersion": "1", "watch": "true"},
            "resourceVersionMatch",
        ),
    ],
)
async def test_parameters_that_cannot_be_are_refused(
    server: Server, method: str, query: dict[str, str], field: str
) -> None:
    await server.create(server.lane())
    path = LANES if method in ("GET", "POST") else server.path()
    body = {} if method in ("GET", "DELETE") else {"json": server.lane("two")}
    headers = {"content-type": MERGE} if method == "PATCH" else {}
    status = await server.ask(method, path, 422, params=query, headers=headers, **body)
    assert field in [each["field"] for each in status["details"]["causes"]]
    assert status["details"]["group"] == "meta.k8s.io"
    assert await names(server) == ["one"]


async def test_options_of_a_deletion_are_checked(server: Server) -> None:
    await server.create(server.lane())
    for options, code in (
        ({"dryRun": ["Some"]}, 422),
        ({"propagationPolicy": "Sometimes"}, 422),
        ({"kind": "Lane", "apiVersion": V1}, 400),
        ([], 400),
    ):
        await server.ask("DELETE", server.path(), code, json=options)
    for policy in ("Background", "Orphan"):
        dry = {"propagationPolicy": policy, "dryRun": ["All"]}
        await server.ask("DELETE", server.path(), json=dry)
    assert await names(server) == ["one"]


async def test_patches(server: Server) -> None:
    await server.create(server.lane(weight=1, fallback=["a", "b"]))
    path = server.path()
    merged = await server.patch(MERGE, path, {"spec": {"fallback": None, "weight": 2}})
    assert not merged["spec"].get("fallback")
    operations = [
        {"op": "test", "path": "/spec/weight", "value": 2},
        {"op": "replace", "path": "/spec/weight", "value": 3},
        {"op": "add", "path": "/metadata/labels/x~1y", "value": "z"},
    ]
    patched = await server.patch(JSON_PATCH, path, operations)
    assert (patched["spec"]["weight"], patched["metadata"]["labels"]["x/y"]) == (3, "z")
    await server.patch(JSON_PATCH, path, operations[:1], 422)
    await server.patch(STRATEGIC, path, {"spec": {"weight": 4}}, 415)


async def test_a_services_ports_are_merged_by_their_numbers(server: Server) -> None:
    one, two = {"name": "a", "port": 80}, {"name": "b", "port": 81}
    await server.create(server.service("web", one, two))
    path = f"{SERVICES}/{server.run}-web"
    patch = {"spec": {"ports": [{"port": 81, "name": "c"}, {"port": 82, "name": "d"}]}}
    after = await server.patch(STRATEGIC, path, patch)
    assert {each["port"]: each["name"] for each in after["spec"]["ports"]} == {
        80: "a",
        81: "c",
        82: "d",
    }


async def test_a_body_of_another_object_is_refused(server: Server) -> None:
    (made,) = await server.create(server.lane())
    for wrong, code in (
        ({"metadata": {**made["metadata"], "name": "another"}}, 400),
        ({"apiVersion": "laneway.dev/v9"}, 400),
        ({"kind": "LaneGroup"}, 422),
    ):
        await server.ask("PUT", server.path(), code, json={**made, **wrong})


async def test_tables_have_the_columns_of_the_definition(server: Server) -> None:
    await server.create(server.lane())
    table = (await server.client.get(server.path(), headers={"accept": TABLE})).json()
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    columns = [each["name"] for each in table["columnDefinitions"]]
    cells = dict(zip(columns, table["rows"][0]["cells"], strict=True))
    assert (cells["Name"], cells["Group"]) == (f"{server.run}-one", "contract")
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert table["metadata"]["resourceVersion"]
    types = {each["name"]: each["type"] for each in table["columnDefinitions"]}
    assert (types["Name"], types["Weight"], types["Age"]) == ("string", "integer", "date")


async def test_what_cannot_be_answered_as_asked_is_not_done(server: Server) -> None:
    await server.create(server.lane())
    for accept in ("application/xml", TABLE.replace("v=v1", "v=v9"), TABLE.replace("Table", "Map")):
        headers = {"accept": accept}
        answer = await server.client.get(server.path(), headers=headers)
        assert answer.status_code == 406
        assert (await server.client.post(LANES, json=server.lane("two"), headers=headers)).is_error
        either = {"accept": f"{accept},application/json"}
        answer = await server.client.get(server.path(), headers=either)
        assert answer.json()["kind"] == "Lane"
    assert await names(server) == ["one"]


async def test_discovery_says_what_there_is(server: Server) -> None:
    groups = {each["name"]: each for each in (await server.get("/apis"))["groups"]}
    versions = [each["groupVersion"] for each in groups["laneway.dev"]["versions"]]
    assert V1 in versions
    resources = (await server.get(f"/apis/{V1}"))["resources"]
    by_name = {each["name"]: each for each in resources}
    assert (by_name["lanes"]["kind"], by_name["lanes"]["namespaced"]) == ("Lane", False)
    verbs = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
    assert verbs <= set(by_name["lanes"]["verbs"])
    assert {"get", "patch", "update"} <= set(by_name["lanes/status"]["verbs"])
    document = await server.get(f"/openapi/v3/apis/{V1}")
    post = document["paths"][f"{LANES}"]["post"]
    assert {"dryRun", "fieldValidation"} <= {each["name"] for each in post["parameters"]}


async def test_what_is_not_served_is_not_found(server: Server) -> None:
    for path in ("/apis/laneway.dev/v9/lanes", f"/apis/{V1}/lorries", "/apis/nothing.example"):
        assert (await server.client.get(path)).status_code == 404
    await server.ask("POST", f"{server.path()}/status", 405, json=server.lane())
