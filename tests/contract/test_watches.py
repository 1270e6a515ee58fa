"""What watches tell, on laneway's own server and on a cluster's (see ``test_objects``)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.contract.conftest import Server
from tests.contract.media_types import MERGE, TABLE
from tests.wiring.api_servers import LANES

pytestmark = pytest.mark.slow

SOON = {"timeoutSeconds": "1"}


async def watched(
    server: Server, accept: str = "application/json", **query: str
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    asked = {
        "watch": "true",
        "timeoutSeconds": "20",
        "labelSelector": server.selector,
        **query,
    }
    async with server.client.stream(
        "GET", LANES, params=asked, headers={"accept": accept}
    ) as answer:
        assert answer.status_code == 200, await answer.aread()
        async for each in answer.aiter_lines():
            event = json.loads(each)
            yield event["type"], event["object"]


async def test_a_watch_goes_on_where_a_list_ended(server: Server) -> None:
    await server.create(server.lane("gone"))
    await server.patch(MERGE, server.path("gone"), {"metadata": {"labels": {"gone": "yes"}}})
    since = (await server.get(LANES))["metadata"]["resourceVersion"]
    await server.create(server.lane(), server.lane("two"))
    await server.patch(MERGE, server.path(), {"spec": {"weight": 2}})
    # What loses the labels that are asked for is gone for whoever asked.
    await server.patch(MERGE, server.path("two"), {"metadata": {"labels": {"gone": "yes"}}})
    await server.ask("DELETE", server.path())
    seen = []
    selector = f"{server.selector},!gone"
    async for kind, item in watched(server, resourceVersion=since, labelSelector=selector):
        if "status" in item and kind == "MODIFIED" and item["spec"].get("weight", 0) == 0:
            continue  # somebody wrote a status
        seen.append((kind, item["metadata"]["name"].removeprefix(f"{server.run}-")))
        if seen[-1] == ("DELETED", "one"):
            break
    distinct = list(dict.fromkeys(seen))
    assert distinct == [
        ("ADDED", "one"),
        ("ADDED", "two"),
        ("MODIFIED", "one"),
        ("DELETED", "two"),
        ("DELETED", "one"),
    ]


async def test_a_watch_that_begins_with_all_objects_says_when_these_end(server: Server) -> None:
    await server.create(server.lane())
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    kinds = []
    async for kind, item in watched(server, **query):
        kinds.append(kind)
        if kind == "BOOKMARK":
            annotations = item["metadata"]["annotations"]
            assert annotations == {"k8s.io/initial-events-end": "true"}
            break
    assert kinds == ["ADDED", "BOOKMARK"]
    metadata = TABLE.replace("Table", "PartialObjectMetadata")
    found = [event async for event in watched(server, metadata, **query, **SOON)]
    assert {item["kind"] for _, item in found} == {"PartialObjectMetadata"}
    assert [kind for kind, _ in found][:2] == ["ADDED", "BOOKMARK"]
    del query["allowWatchBookmarks"]
    kinds = [kind async for kind, _ in watched(server, **query, **SOON)]
    assert "BOOKMARK" not in kinds
