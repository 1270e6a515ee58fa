"""Watches: every change once, in order, from any revision that is still known."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.adapters.http.servers import LANES, api_server, lane, now, watch

from laneway.adapters.http import watches
from laneway.adapters.http.watches import Watch, Watches
from laneway.adapters.store.memory import MemoryStore
from laneway.control.revisions import Draft, ObjectId, Objects

MERGE = {"content-type": "application/merge-patch+json"}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(now)


@pytest.fixture
async def client(store: MemoryStore) -> AsyncIterator[httpx.AsyncClient]:
    async with api_server(store) as client:
        yield client


async def weigh(client: httpx.AsyncClient, name: str, weight: int) -> None:
    patch = {"spec": {"weight": weight}}
    answer = await client.patch(f"{LANES}/{name}", json=patch, headers=MERGE)
    assert answer.status_code == 200, answer.text


async def test_a_watch_from_a_revision_gets_all_that_came_after(client: httpx.AsyncClient) -> None:
    await client.post(LANES, json=lane("s1"))
    async with watch(client, LANES, resourceVersion="1") as stream:
        await client.post(LANES, json=lane("s2"))
        await weigh(client, "s1", 10)
        await client.delete(f"{LANES}/s2")
        seen = [await stream.next() for _ in range(3)]
    assert [
        (kind, each["metadata"]["name"], each["metadata"]["resourceVersion"]) for kind, each in seen
    ] == [("ADDED", "s2", "2"), ("MODIFIED", "s1", "3"), ("DELETED", "s2", "4")]


async def test_a_watch_resumes_where_another_ended(client: httpx.AsyncClient) -> None:
    await client.post(LANES, json=lane("s1"))
    await weigh(client, "s1", 10)
    await weigh(client, "s1", 20)
    async with watch(client, LANES, resourceVersion="2") as stream:
        kind, seen = await stream.next()
    assert (kind, seen["spec"]["weight"]) == ("MODIFIED", 20)


async def test_without_a_revision_all_objects_come_first(client: httpx.AsyncClient) -> None:
    await client.post(LANES, json=lane("s1"))
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    async with watch(client, LANES, **query) as stream:
        kind, seen = await stream.next()
        assert (kind, seen["metadata"]["name"]) == ("ADDED", "s1")
        kind, seen = await stream.next()
        assert kind == "BOOKMARK"
        assert seen["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert seen["metadata"]["resourceVersion"] == "1"
        await weigh(client, "s1", 10)
        kind, seen = await stream.next()
        assert (kind, seen["metadata"]["resourceVersion"]) == ("MODIFIED", "2")


async def test_an_object_that_loses_its_labels_leaves_the_watch(client: httpx.AsyncClient) -> None:
    await client.post(LANES, json=lane("s1", {"a": "b"}))
    async with watch(client, LANES, resourceVersion="1", labelSelector="a=b") as stream:
        for value in ("c", "b"):
            patch = {"metadata": {"labels": {"a": value}}}
            await client.patch(f"{LANES}/s1", json=patch, headers=MERGE)
        kinds = [(await stream.next())[0] for _ in range(2)]
    assert kinds == ["DELETED", "ADDED"]


async def test_a_watch_of_one_object(client: httpx.AsyncClient) -> None:
    await client.post(LANES, json=lane("s1"))
    async with watch(client, f"{LANES}/s1", resourceVersion="1") as stream:
        await client.post(LANES, json=lane("s2"))
        await weigh(client, "s1", 10)
        _, seen = await stream.next()
    assert seen["metadata"]["name"] == "s1"


async def test_history_that_was_compacted_is_gone(
    client: httpx.AsyncClient, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "_KEPT", 1)
    for number in range(3):
        await client.post(LANES, json=lane(f"s{number}"))
    await store.compact(2)
    async with api_server(store) as restarted:
        answer = await restarted.get(LANES, params={"watch": "1", "resourceVersion": "1"})
        assert (answer.status_code, answer.json()["reason"]) == (410, "Expired")
        async with watch(restarted, LANES, resourceVersion="2") as stream:
            _, seen = await stream.next()
        assert seen["metadata"]["name"] == "s2"


async def test_a_server_that_was_restarted_tells_what_happened_before(
    client: httpx.AsyncClient, store: MemoryStore
) -> None:
    await client.post(LANES, json=lane("s1"))
    await weigh(client, "s1", 10)
    async with (
        api_server(store) as restarted,
        watch(restarted, LANES, resourceVersion="1") as stream,
    ):
        await weigh(restarted, "s1", 20)
        weights = [(await stream.next())[1]["spec"]["weight"] for _ in range(2)]
    assert weights == [10, 20]


async def test_a_revision_that_is_not_there_yet_is_gone(client: httpx.AsyncClient) -> None:
    """A store that was restored from a backup has fewer revisions than its clients saw."""
    answer = await client.get(LANES, params={"watch": "1", "resourceVersion": "99"})
    assert answer.status_code == 410


async def test_a_watch_ends_after_its_time(client: httpx.AsyncClient) -> None:
    async with watch(client, LANES, resourceVersion="0", timeoutSeconds="1") as stream:
        assert await stream.ends()


async def test_bookmarks_tell_how_far_a_quiet_watch_is(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "BOOKMARKS", 0.05)
    await client.post(LANES, json=lane("s1"))
    async with watch(client, LANES, resourceVersion="1", allowWatchBookmarks="true") as stream:
        kind, seen = await stream.next()
    assert (kind, seen["metadata"]["resourceVersion"], seen["kind"]) == ("BOOKMARK", "1", "Lane")


async def test_a_watch_that_is_not_read_is_ended_without_a_gap() -> None:
    """The client resumes after what it has read, so nothing before that may be missing."""
    store = SlowlyRead(now)
    watching = Watches(store, waiting=2)
    stream = await watching.stream(WHOLE, None, initial=False, seconds=None)
    await store.weigh(0)
    seen = [weight_in(await anext(stream))]
    for weight in range(1, 5):
        await store.weigh(weight)
    seen += [weight_in(line) async for line in stream]
    assert seen == list(range(len(seen)))
    resumed = await watching.stream(WHOLE, len(seen), initial=False, seconds=0)
    assert seen + [weight_in(line) async for line in resumed] == [0, 1, 2, 3, 4]


async def test_the_events_of_one_revision_come_together(store: MemoryStore) -> None:
    """A client that resumes with the number of one of them would miss the others."""
    watching = Watches(store)
    since_now = await watching.stream(WHOLE, None, initial=False, seconds=None)
    both = {lane_id(name): {"kind": "Lane", "metadata": {"name": name}} for name in ("s1", "s2")}
    await store.append(Draft(both, "jack", "tests"), expected=0)
    resumed = await Watches(store).stream(WHOLE, 0, initial=False, seconds=None)
    for lines in (await anext(since_now), await anext(resumed)):
        assert [json.loads(each)["object"]["name"] for each in lines.splitlines()] == ["s1", "s2"]


async def test_what_happens_while_a_long_history_is_read_is_not_missed() -> None:
    store = SlowlyRead(now)
    watching = Watches(store, kept=2)
    for number in range(5):
        await store.weigh(number)
    store.meanwhile = 4
    stream = await watching.stream(WHOLE, 1, initial=False, seconds=0)
    assert [weight_in(line) async for line in stream] == list(range(1, 9))


def weight_in(line: bytes) -> int:
    weight: int = json.loads(line)["object"]["weight"]
    return weight


def lane_id(name: str) -> ObjectId:
    return ObjectId("lanes.laneway.dev", "", name)


WHOLE = Watch(
    {"lanes.laneway.dev"},
    "",
    lambda manifest: True,
    "",
    lambda shown: {"name": shown["metadata"]["name"], "weight": shown.get("weight")},
    lambda revision, initial: {},
)


class SlowlyRead(MemoryStore):
    """While its history is read for the first time, ``meanwhile`` revisions are written."""

    meanwhile = 0

    async def weigh(self, weight: int) -> None:
        manifest = {"kind": "Lane", "metadata": {"name": "s1"}, "weight": weight}
        draft = Draft({lane_id("s1"): manifest}, "jack", "tests")
        await self.append(draft, expected=self.submitted)

    async def objects_at(self, number: int) -> Objects:
        found = await super().objects_at(number)
        written, self.meanwhile = self.meanwhile, 0
        for weight in range(self.latest, self.latest + written):
            await self.weigh(weight)
        return found


async def test_watchers_of_the_same_get_the_same_bytes(client: httpx.AsyncClient) -> None:
    async with (
        watch(client, LANES, resourceVersion="0") as one,
        watch(client, LANES, resourceVersion="0") as other,
    ):
        await client.post(LANES, json=lane("s1"))
        assert await one.next() == await other.next()


async def test_browsers_get_server_sent_events(client: httpx.AsyncClient) -> None:
    accept = {"accept": "text/event-stream"}
    await client.post(LANES, json=lane("s1"))
    query = {"watch": "1", "resourceVersion": "0", "timeoutSeconds": "1"}
    answer = await client.get(LANES, params=query, headers=accept)
    assert answer.headers["content-type"].startswith("text/event-stream")
    first, *_ = answer.text.split("\n\n")
    assert first.startswith('id: 1\ndata: {"type":"ADDED","object":{')
