"""A server of the API on a free port of this machine, and a client of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
import uvicorn

from laneway.adapters.files.yamls import one_document
from laneway.adapters.http.application import application
from laneway.adapters.http.objects import ObjectEndpoints
from laneway.adapters.http.watches import Watches
from laneway.adapters.store.memory import MemoryStore
from laneway.apiserver.resources import served
from laneway.control.revisions import RevisionStore

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LANES = "/apis/laneway.dev/v1alpha1/lanes"
GROUPS = "/apis/laneway.dev/v1alpha1/lanegroups"
SERVICES = "/api/v1/namespaces/default/services"
V1 = "laneway.dev/v1alpha1"
JSON_LINES = {"accept": "application/json"}


def now() -> datetime:
    return NOW


@asynccontextmanager
async def api_server(store: RevisionStore | None = None) -> AsyncIterator[httpx.AsyncClient]:
    numbers = count(1)
    store = store or MemoryStore(now)
    watches = Watches(store)
    objects = ObjectEndpoints(store, watches, now, lambda: f"uid-{next(numbers)}", one_document)
    app = application(served(), objects, "1.2.3")
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        watches.close()
        server.should_exit = True
        await running


def lane(name: str, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if labels:
        metadata["labels"] = labels
    spec = {"group": "shop", "selector": {"version": name}, **spec}
    return {"apiVersion": V1, "kind": "Lane", "metadata": metadata, "spec": spec}


def service(name: str, *ports: int) -> dict[str, Any]:
    spec = {"selector": {"app": name}, "ports": [{"port": port} for port in ports]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


class Stream:
    """The events of a watch, one at a time."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self) -> tuple[str, dict[str, Any]]:
        async with asyncio.timeout(30):
            event = json.loads(await anext(self._lines))
        return event["type"], event["object"]

    async def ends(self) -> bool:
        async with asyncio.timeout(30):
            return await anext(self._lines, None) is None


@asynccontextmanager
async def watch(client: httpx.AsyncClient, path: str, **query: str) -> AsyncIterator[Stream]:
    async with client.stream("GET", path, params={"watch": "true", **query}) as response:
        assert response.status_code == 200, await response.aread()
        yield Stream(response)
