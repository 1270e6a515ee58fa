"""The console's stream in a cluster: lists and watches of the caller, one after another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.adapters.http.callers_apis import TOKEN, Shown, built, shown

from laneway.adapters.http import callers_events

EVENTS = "/apis/api.laneway.dev/v1alpha1/events"
GROUPS = "/apis/laneway.dev/v1alpha1/lanegroups"
LANES = "/apis/laneway.dev/v1alpha1/lanes"
SERVICES = "/api/v1/services"
GATEWAYS = "/apis/networking.istio.io/v1/gateways"
ALL = "&".join(f"resource={each}" for each in callers_events.RESOURCES)


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[Shown]:
    """A cluster with two lanes and a service, and nothing of Istio."""
    async with shown(built(tmp_path / "dist")) as found:
        api = found.api
        lanes = [item("b", "2026-01-02T00:00:00Z"), item("a", "2026-01-03T00:00:00Z")]
        api.answer(rf"GET {GROUPS}\?limit=.*", 200, listed("5"))
        api.answer(rf"GET {LANES}\?limit=500", 200, listed("5", *lanes, more="x/y=="))
        early = item("c", "2026-01-01T00:00:00Z")
        api.answer(rf"GET {LANES}\?limit=500&continue=x%2Fy%3D%3D", 200, listed("5", early))
        api.answer(rf"GET {SERVICES}\?limit=.*", 200, listed("6", item("web")))
        api.answer(r"GET .*\?watch=true.*", 200, None)
        yield found


def item(name: str, created: str = "2026-01-01T00:00:00Z", version: str = "4") -> dict[str, Any]:
    metadata = {
        "name": name,
        "creationTimestamp": created,
        "resourceVersion": version,
        "managedFields": [{"manager": "kubectl"}],
    }
    return {"metadata": metadata, "spec": {}}


def listed(version: str, *items: dict[str, Any], more: str = "") -> dict[str, Any]:
    metadata = {"resourceVersion": version, **({"continue": more} if more else {})}
    return {"metadata": metadata, "items": list(items)}


def line(kind: str, body: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


class Events:
    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self) -> tuple[str, dict[str, Any]]:
        async with asyncio.timeout(30):
            while not (text := await anext(self._lines)).startswith("data: "):
                pass
        event = json.loads(text.removeprefix("data: "))
        return event["type"], event["object"]

    async def initial(self) -> list[tuple[str, str]]:
        told = []
        while (event := await self.next())[0] != "BOOKMARK":
            told.append((event[1]["kind"], event[1]["metadata"]["name"]))
        assert event[1]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        return told

    async def ends(self) -> bool:
        try:
            async with asyncio.timeout(20):
                return [each async for each in self._lines if each] == []
        except TimeoutError:
            return False


@asynccontextmanager
async def events(found: Shown, query: str = ALL) -> AsyncIterator[Events]:
    async with found.client.stream("GET", f"{EVENTS}?{query}", headers=TOKEN) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Events(response)


async def all_closed(found: Shown) -> None:
    for _ in range(2000):
        if not found.api.open:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("requests to the API server stay open")


async def test_all_objects_come_first_in_the_order_of_their_creation(found: Shown) -> None:
    async with events(found) as told:
        lanes = [("Lane", "c"), ("Lane", "b"), ("Lane", "a")]
        assert await told.initial() == [*lanes, ("Service", "web")]
    assert {token for token, *_ in found.api.asked} == {"jills"}


async def test_changes_follow_from_the_version_of_the_list(found: Shown) -> None:
    async with events(found, "resource=lanes.laneway.dev") as told:
        await told.initial()
        half = line("MODIFIED", item("b", version="7"))
        found.api.of(LANES).put_nowait(half[:9])
        found.api.of(LANES).put_nowait(half[9:] + line("DELETED", item("a", version="8")))
        kind, shown = await told.next()
        assert (kind, shown["kind"], shown["apiVersion"]) == (
            *("MODIFIED", "Lane"),
            "laneway.dev/v1alpha1",
        )
        assert "managedFields" not in shown["metadata"]
        assert (await told.next())[0] == "DELETED"
        watch = found.api.asked[-1][2]
        assert watch.startswith(f"{LANES}?watch=true")
        assert "resourceVersion=5" in watch


async def test_a_watch_that_ends_goes_on_where_it_was(
    found: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers_events, "_PAUSE", 0.0)
    async with events(found, "resource=lanes.laneway.dev") as told:
        await told.initial()
        bookmark = {"kind": "Lane", "metadata": {"resourceVersion": "9"}}
        found.api.of(LANES).put_nowait(line("BOOKMARK", bookmark))
        found.api.of(LANES).put_nowait(None)
        found.api.of(LANES).put_nowait(line("ADDED", item("d", version="10")))
        assert (await told.next())[1]["metadata"]["name"] == "d"
        assert "resourceVersion=9" in found.api.asked[-1][2]


@pytest.mark.parametrize("code", [401, 403])
async def test_a_refusal_is_the_answer(found: Shown, code: int) -> None:
    text = 'services is forbidden: User "jill" cannot list resource "services"'
    found.api.answers = {
        rf"GET {SERVICES}.*": (code, {"message": text}, {"content-type": "application/json"}),
        **found.api.answers,
    }
    answer = await found.client.get(f"{EVENTS}?{ALL}", headers=TOKEN)
    assert (answer.status_code, answer.json()["message"]) == (code, text)


async def test_a_token_that_is_revoked_ends_the_stream(found: Shown) -> None:
    async with events(found, "resource=lanes.laneway.dev") as told:
        await told.initial()
        found.api.answer(r"GET .*\?watch=true.*", 401, {"message": "Unauthorized"})
        found.api.of(LANES).put_nowait(None)
        assert await told.ends()
    await all_closed(found)


async def test_a_version_that_is_too_old_ends_the_stream(found: Shown) -> None:
    async with events(found, "resource=lanes.laneway.dev") as told:
        await told.initial()
        found.api.of(LANES).put_nowait(line("ERROR", {"code": 410}))
        assert await told.ends()


@pytest.mark.parametrize("text", [b"no json\n", b"[]\n", b'{"type": "ADDED", "object": {}}\n'])
async def test_what_is_no_watch_ends_the_stream(found: Shown, text: bytes) -> None:
    async with events(found, "resource=lanes.laneway.dev") as told:
        await told.initial()
        found.api.of(LANES).put_nowait(text)
        assert await told.ends()


async def test_a_line_without_an_end_ends_the_stream(
    found: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers_events, "_LONGEST_LINE", 100)
    async with events(found, "resource=lanes.laneway.dev") as told:
        await told.initial()
        found.api.of(LANES).put_nowait(b"x" * 101)
        assert await told.ends()


async def test_a_browser_that_leaves_ends_the_watches(found: Shown) -> None:
    async with events(found) as told:
        await told.initial()
        async with asyncio.timeout(30):
            while found.api.open < 3:
                await asyncio.sleep(0.005)
    await all_closed(found)


async def test_a_browser_that_does_not_read_is_hung_up_on(
    found: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers_events, "PATIENCE", 0.2)
    monkeypatch.setattr(callers_events, "_LAST", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", found.port, limit=1)
    writer.write(
        f"GET {EVENTS}?resource=lanes.laneway.dev HTTP/1.1\r\nHost: localhost\r\n"
        "Authorization: Bearer jills\r\n\r\n".encode()
    )
    large = {**item("b"), "spec": {"owner": "x" * 1_000_000}}
    queue = found.api.of(LANES)
    for _ in range(40):
        queue.put_nowait(line("MODIFIED", large))
    async with asyncio.timeout(30):
        while not found.api.open:
            await asyncio.sleep(0.005)
    await all_closed(found)
    assert queue.qsize() > 20, "what the browser does not read is not read from the API server"
    del reader
    writer.close()


async def test_streams_are_limited(found: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers_events, "MOST_STREAMS", 1)
    async with events(found) as told:
        await told.initial()
        answer = await found.client.get(f"{EVENTS}?{ALL}", headers=TOKEN)
        assert answer.status_code == 503
    await all_closed(found)
    async with asyncio.timeout(30):
        while (await _status(found)) != 200:
            await asyncio.sleep(0.005)


async def _status(found: Shown) -> int:
    async with found.client.stream("GET", f"{EVENTS}?{ALL}", headers=TOKEN) as response:
        return response.status_code


async def test_streams_end_when_the_operator_stops(found: Shown) -> None:
    async with events(found) as told:
        await told.initial()
        found.console.events.close()
        assert await told.ends()


async def test_bookmarks_show_that_the_stream_lives(
    found: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers_events, "_BOOKMARK", 0.01)
    async with events(found) as told:
        await told.initial()
        kind, bookmark = await told.next()
        assert (kind, bookmark["metadata"]["annotations"]) == ("BOOKMARK", {})


@pytest.mark.parametrize("query", ["", "resource=secrets", "resource=services&resource=pods"])
async def test_only_what_the_console_shows_is_told(found: Shown, query: str) -> None:
    answer = await found.client.get(f"{EVENTS}?{query}", headers=TOKEN)
    assert answer.status_code == 400
    assert found.api.asked == []
    assert (await found.client.post(f"{EVENTS}?{ALL}", headers=TOKEN)).status_code == 405
