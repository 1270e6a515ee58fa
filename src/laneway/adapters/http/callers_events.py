"""One stream of all objects that the console shows, from lists and watches of the caller.

A browser has six connections to a server, so it cannot watch each resource by itself. The stream
has the form of the one on one machine (``console_endpoints``). Nothing is kept in between: what a
browser does not read is not read from the API server either.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from laneway.adapters.http.callers_documents import callers_document, refusal
from laneway.adapters.http.same_origin import ANSWER_HEADERS
from laneway.apiserver.callers_api import ApiUnreachable, CallersApi
from laneway.apiserver.console_requests import callers_token
from laneway.apiserver.failures import Failure
from laneway.apiserver.field_ownership import without_managed_fields

#: Streams that are open at once, and those that read their lists at the same time: pages of them
#: are held in memory until they have been sent.
MOST_STREAMS = 100
_MOST_LISTS = 4
_PAGE = 500
#: Seconds: of one watch, between bookmarks (proxies in front close a silent stream after 60), for a
#: browser that does not read, and between watches that end at once.
_WATCH, _BOOKMARK, PATIENCE, _PAUSE = 300, 30.0, 60.0, 1.0
#: And for the end of a stream.
_LAST = 1.0
_LONGEST_LINE = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Listed:
    """``optional`` resources may be missing in a cluster. Those that are ``ordered`` are told in
    the order of their creation, because the first lane of a group is its baseline."""

    path: str
    api_version: str
    kind: str
    optional: bool = False
    ordered: bool = False


_LANEWAY = "laneway.dev/v1alpha1"
_ISTIO = "networking.istio.io/v1"
#: By the names that the console has for them. Workloads are declared on one machine alone.
RESOURCES: Mapping[str, _Listed | None] = {
    "lanegroups.laneway.dev": _Listed(
        f"/apis/{_LANEWAY}/lanegroups", _LANEWAY, "LaneGroup", ordered=True
    ),
    "lanes.laneway.dev": _Listed(f"/apis/{_LANEWAY}/lanes", _LANEWAY, "Lane", ordered=True),
    "services": _Listed("/api/v1/services", "v1", "Service"),
    "gateways.networking.istio.io": _Listed(
        f"/apis/{_ISTIO}/gateways", _ISTIO, "Gateway", optional=True
    ),
    "workloads.laneway.dev": None,
}


class _Ended(Exception):
    """The stream is over. The browser opens another, and learns why if it is refused."""


class CallersEvents:
    """An ASGI application."""

    def __init__(self, api: CallersApi) -> None:
        self._api = api
        self._lists = asyncio.Semaphore(_MOST_LISTS)
        self._open: set[asyncio.Event] = set()

    def close(self) -> None:
        """Ends all streams."""
        for stopped in self._open:
            stopped.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method != "GET":
            raise Failure(405, "events are only read")
        token = callers_token(request.headers.items())
        resources = _resources(request.query_params.getlist("resource"))
        if len(self._open) >= MOST_STREAMS:
            raise Failure(503, "too many consoles are open; close one, or try again later")
        stopped = asyncio.Event()
        self._open.add(stopped)
        try:
            await _Stream(self._api, token, send).run(resources, self._lists, receive, stopped)
        finally:
            self._open.discard(stopped)


def _resources(names: Sequence[str]) -> list[_Listed]:
    if not names or not RESOURCES.keys() >= set(names):
        raise Failure(400, f"resource: name some of {', '.join(sorted(RESOURCES))}")
    return [found for name in dict.fromkeys(names) if (found := RESOURCES[name]) is not None]


class _Stream:
    """The events of one browser. Tasks share it, so events are sent one after another."""

    def __init__(self, api: CallersApi, token: str, send: Send) -> None:
        self._api = api
        self._token = token
        self._send = send
        self._sending = asyncio.Lock()

    async def run(
        self,
        resources: Sequence[_Listed],
        lists: asyncio.Semaphore,
        receive: Receive,
        stopped: asyncio.Event,
    ) -> None:
        """Raises ``Failure`` if the API server refuses one of the lists."""
        async with lists:
            first = [(each, await self._page(each)) for each in resources]
            await self._send(_START)
            watched: list[tuple[_Listed, str]] | None
            try:
                watched = await self._tell_initial(first)
            except (Failure, TimeoutError):
                watched = None
        if watched is not None:
            await self._follow_all(watched, receive, stopped)
        # A browser that does not read is left without an end, and its connection is closed.
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST):
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _follow_all(
        self, watched: Sequence[tuple[_Listed, str]], receive: Receive, stopped: asyncio.Event
    ) -> None:
        """Until the browser is gone, or one of the watches cannot go on."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_gone(receive))
                tasks.create_task(_after(stopped))
                tasks.create_task(self._tell_bookmarks())
                for resource, version in watched:
                    tasks.create_task(self._follow(resource, version))
        except* (_Ended, Failure, TimeoutError):
            pass

    async def _tell_initial(
        self, first: Sequence[tuple[_Listed, dict[str, Any] | None]]
    ) -> list[tuple[_Listed, str]]:
        """Returns what is to be watched, and from which version."""
        async with asyncio.timeout(PATIENCE):
            watched = [
                (resource, await self._tell_all(resource, page))
                for resource, page in first
                if page is not None
            ]
            await self._tell("BOOKMARK", _bookmark(initial=True))
        return watched

    async def _page(self, resource: _Listed, after: str = "") -> dict[str, Any] | None:
        """None if the cluster does not have the resource. Raises ``Failure``."""
        target = f"{resource.path}?limit={_PAGE}"
        if after:
            target += f"&continue={quote(after, safe='')}"
        try:
            return await callers_document(self._api, self._token, "GET", target)
        except Failure as failure:
            if failure.code == 404 and resource.optional:
                return None
            raise

    async def _tell_all(self, resource: _Listed, page: dict[str, Any] | None) -> str:
        """``page`` is the first one. Returns the version to watch from."""
        held: list[dict[str, Any]] = []
        version = ""
        while page is not None:
            items = page.get("items") or []
            if resource.ordered:
                held += items
            else:
                await self._tell_added(resource, items)
            metadata = page.get("metadata") or {}
            version = str(metadata.get("resourceVersion", ""))
            after = metadata.get("continue")
            page = await self._page(resource, str(after)) if after else None
        await self._tell_added(resource, sorted(held, key=_created))
        return version

    async def _tell_added(self, resource: _Listed, items: Sequence[Mapping[str, Any]]) -> None:
        for item in items:
            await self._tell("ADDED", _shown(resource, item))

    async def _follow(self, resource: _Listed, version: str) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            version = await self._watch(resource, version)
            if loop.time() - began < _PAUSE:
                await asyncio.sleep(_PAUSE)

    async def _watch(self, resource: _Listed, version: str) -> str:
        """Until the API server ends it. Returns the version to go on from."""
        target = (
            f"{resource.path}?watch=true&allowWatchBookmarks=true&timeoutSeconds={_WATCH}"
            f"&resourceVersion={quote(version, safe='')}"
        )
        try:
            async with self._api.send(self._token, "GET", target, stream=True) as answer:
                if answer.status != 200:
                    raise refusal(answer.status, "")
                async for line in _lines(answer.chunks):
                    event = json.loads(line)
                    kind, item = event["type"], event["object"]
                    if kind == "ERROR":
                        raise _Ended
                    version = item["metadata"]["resourceVersion"]
                    if kind != "BOOKMARK":
                        await self._tell(kind, _shown(resource, item))
        except (ApiUnreachable, ValueError, KeyError, TypeError) as error:
            raise _Ended from error
        return version

    async def _tell_bookmarks(self) -> None:
        while True:
            await asyncio.sleep(_BOOKMARK)
            await self._tell("BOOKMARK", _bookmark(initial=False))

    async def _tell(self, kind: str, item: Mapping[str, Any]) -> None:
        """Waits until the browser reads. Raises ``TimeoutError`` if it does not."""
        text = json.dumps({"type": kind, "object": item}, separators=(",", ":"))
        body = f"data: {text}\n\n".encode()
        async with self._sending, asyncio.timeout(PATIENCE):
            await self._send({"type": "http.response.body", "body": body, "more_body": True})


_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        *((name.lower().encode(), value.encode()) for name, value in ANSWER_HEADERS.items()),
        # For nginx in front: each event at once.
        (b"x-accel-buffering", b"no"),
    ],
}


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise _Ended


async def _after(stopped: asyncio.Event) -> None:
    await stopped.wait()
    raise _Ended


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = bytearray()
    async for chunk in chunks:
        rest += chunk
        if b"\n" in chunk:
            *lines, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            for line in lines:
                if line.strip():
                    yield line
        if len(rest) > _LONGEST_LINE:
            raise ValueError("a line of the watch is too long")


def _shown(resource: _Listed, item: Mapping[str, Any]) -> dict[str, Any]:
    # Items of lists do not say what they are.
    return {
        **without_managed_fields(item),
        "apiVersion": resource.api_version,
        "kind": resource.kind,
    }


def _created(item: Mapping[str, Any]) -> tuple[str, str]:
    metadata = item["metadata"]
    return str(metadata.get("creationTimestamp", "")), str(metadata["name"])


def _bookmark(*, initial: bool) -> dict[str, Any]:
    annotations = {"k8s.io/initial-events-end": "true"} if initial else {}
    return {"kind": "Bookmark", "metadata": {"annotations": annotations}}
