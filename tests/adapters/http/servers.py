"""A server of the API on a free port of this machine, and a client of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from laneway.adapters.files.yamls import one_document
from laneway.adapters.http.application import application
from laneway.adapters.http.authentication import Authentication
from laneway.adapters.http.objects import ObjectEndpoints
from laneway.adapters.http.server import ApiServer, TcpEndpoint
from laneway.adapters.http.watches import Watches
from laneway.adapters.store.memory import MemoryStore
from laneway.apiserver.resources import served
from laneway.apiserver.tokens import Token
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
async def api_server(
    store: RevisionStore | None = None,
    tokens: Mapping[str, Token] | None = None,
    tcp: TcpEndpoint | None = None,
    clock: Callable[[], datetime] = now,
) -> AsyncIterator[httpx.AsyncClient]:
    """The client uses the Unix socket, so it may do everything."""
    async with running(store, tokens, tcp, clock) as (server, path):
        del server
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://laneway", timeout=30
        ) as client:
            yield client


@asynccontextmanager
async def running(
    store: RevisionStore | None = None,
    tokens: Mapping[str, Token] | None = None,
    tcp: TcpEndpoint | None = None,
    clock: Callable[[], datetime] = now,
) -> AsyncIterator[tuple[ApiServer, Path]]:
    """A server, and the path of its Unix socket."""
    numbers = count(1)
    store = store or MemoryStore(clock)
    watches = Watches(store)
    objects = ObjectEndpoints(store, watches, clock, lambda: f"uid-{next(numbers)}", one_document)
    app = application(served(), objects, "1.2.3")
    guarded = Authentication(app, tokens or {}, "jack", (), now)
    with TemporaryDirectory(prefix="laneway-") as folder:
        path = Path(folder, "api.sock")
        async with ApiServer(guarded, path, tcp) as server:
            try:
                yield server, path
            finally:
                watches.close()


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
        try:
            async with asyncio.timeout(30):
                event = json.loads(await anext(self._lines))
        except TimeoutError:
            raise AssertionError("no event came") from None
        return event["type"], event["object"]

    async def ends(self) -> bool:
        async with asyncio.timeout(30):
            return await anext(self._lines, None) is None


@asynccontextmanager
async def watch(client: httpx.AsyncClient, path: str, **query: str) -> AsyncIterator[Stream]:
    async with client.stream("GET", path, params={"watch": "true", **query}) as response:
        assert response.status_code == 200, await response.aread()
        yield Stream(response)
