"""The operator's console in front of an API server that aggregates ``api.laneway.dev``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from tests.adapters.http.callers_apis import built
from tests.faces.operator.certificate_authorities import Authority
from tests.wiring.aggregated_apis import Served, served
from tests.wiring.aggregating_clusters import AggregatingCluster, authorities
from tests.wiring.api_servers import API, lane

from laneway.adapters.kube.callers_client import CallersClient
from laneway.adapters.kube.credentials import Credentials, read
from laneway.wiring.cluster_consoles import serve_console

LANES = "/apis/laneway.dev/v1alpha1/lanes"
WRITING = {"fieldManager": "laneway-console", "fieldValidation": "Strict"}
SHOWN = ("lanegroups", "lanes", "services", "gateways")
STREAM = f"/apis/{API}/events?" + "&".join(
    f"resource={each}"
    for each in (
        *("lanegroups.laneway.dev", "lanes.laneway.dev", "services", "workloads.laneway.dev"),
        "gateways.networking.istio.io",
    )
)


@pytest.fixture(autouse=True)
def _logging() -> None:
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Authority]:
    return authorities(tmp_path_factory.mktemp("authorities"))


@dataclass
class Consoled:
    found: Served
    client: httpx.AsyncClient

    @property
    def cluster(self) -> AggregatingCluster:
        return self.found.cluster

    async def ask(
        self, method: str, path: str, body: Any = None, token: str = "jane", **more: Any
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}", **more.pop("headers", {})}
        return await self.client.request(method, path, json=body, headers=headers, **more)

    async def identity(self, token: str) -> dict[str, Any]:
        answer = await self.ask("GET", f"/apis/{API}/identity", token=token)
        status: dict[str, Any] = answer.json()["status"]
        return status


@pytest.fixture
async def consoled(tmp_path: Path, made: tuple[Authority, Authority]) -> AsyncIterator[Consoled]:
    """Jane may do everything; Joe may look at the objects, and ask for nothing more."""
    async with served(tmp_path, made) as found:
        cluster = found.cluster
        cluster.decides_first = cluster.guards_objects = True
        for who in ("jane", "joe"):
            for verb in ("list", "watch"):
                cluster.allow(who, verb, *SHOWN)
        for verb in ("create", "update", "patch", "delete"):
            cluster.allow("jane", verb, "lanes", "lanegroups")
        cluster.allow("dev", "create", "changesets")
        cluster.asked.clear()
        async with consoling(
            read(cluster.kubeconfig("operator")), built(tmp_path / "dist")
        ) as client:
            yield Consoled(found, client)


@asynccontextmanager
async def consoling(
    credentials: Credentials, files: Path | None
) -> AsyncIterator[httpx.AsyncClient]:
    """``files`` are the built console's."""
    ports: asyncio.Queue[int] = asyncio.Queue()
    serving = asyncio.create_task(
        serve_console(
            CallersClient(credentials),
            ("127.0.0.1", 0),
            None,
            (),
            find=lambda: files,
            serving=ports.put_nowait,
        )
    )
    try:
        async with asyncio.timeout(30):
            port = await ports.get()
        base = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=base, timeout=30) as client:
            yield client
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_who_signs_in_is_who_the_cluster_says(consoled: Consoled) -> None:
    jane = await consoled.identity("jane")
    assert (jane["name"], jane["edits"]) == ("jane", ["lanegroups", "lanes"])
    reviews = {"changesets", "previews", "explanations", "analyses", "renderings"}
    assert set(jane["serves"]) == reviews
    joe = await consoled.identity("joe")
    assert (joe["name"], joe["edits"], joe["serves"]) == ("joe", [], [])
    unknown = await consoled.ask("GET", f"/apis/{API}/identity", token="nobodys")
    assert unknown.status_code == 401


async def test_writes_are_the_callers_own(consoled: Consoled) -> None:
    answer = await consoled.ask("POST", LANES, lane("s2"), params=WRITING)
    assert answer.status_code == 201, answer.text
    refused = await consoled.ask("POST", LANES, lane("s3"), "joe", params=WRITING)
    assert refused.status_code == 403
    assert 'User "joe" cannot create' in refused.json()["message"]
    path = f"{LANES}?fieldManager=laneway-console&fieldValidation=Strict"
    assert consoled.cluster.writes == [("jane", "real POST", path)]


async def test_nothing_is_asked_as_the_operator(consoled: Consoled) -> None:
    for token in ("jane", "joe", "nobodys"):
        await consoled.ask("GET", f"/apis/{API}/identity", token=token)
        await consoled.ask("POST", LANES, lane("s2"), token, params=WRITING)
        await consoled.ask("POST", f"/apis/{API}/analyses", {}, token)
        await consoled.ask("GET", "/api/v1/secrets", token=token)
        await consoled.ask("GET", STREAM.replace("events", "nothing"), token=token)
    for headers in ({}, {"authorization": "Bearer"}, {"x-remote-user": "operator"}):
        await consoled.client.post(LANES, json=lane("s2"), params=WRITING, headers=headers)
        await consoled.client.get(STREAM, headers=headers)
    tokens = [
        each.headers["Authorization"]
        for each in consoled.cluster.asked
        if each.headers.get("User-Agent") == "laneway-console"
    ]
    assert set(tokens) == {"Bearer jane", "Bearer joe", "Bearer nobodys"}


async def test_headers_that_name_a_user_are_not_passed_on(consoled: Consoled) -> None:
    headers = {"x-remote-user": "admin", "x-remote-group": "system:masters", "cookie": "a=b"}
    answer = await consoled.ask("POST", LANES, lane("s2"), params=WRITING, headers=headers)
    assert answer.status_code == 201
    (asked,) = (each for each in consoled.cluster.asked if each.path == LANES)
    names = {name.lower() for name in asked.headers}
    assert not any(name.startswith(("x-", "impersonate", "cookie", "origin")) for name in names)


async def test_a_review_is_answered_by_the_operators_api(consoled: Consoled) -> None:
    body = {"apiVersion": API, "kind": "Explanation", "spec": {"request": {"headers": {}}}}
    answer = await consoled.ask("POST", f"/apis/{API}/explanations", body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"]["hops"]
    refused = await consoled.ask("POST", f"/apis/{API}/explanations", body, "joe")
    assert refused.status_code == 403


async def test_the_stream_follows_the_cluster(consoled: Consoled) -> None:
    headers = {"authorization": "Bearer joe"}
    async with (
        asyncio.timeout(60),
        consoled.client.stream("GET", STREAM, headers=headers) as response,
    ):
        assert response.status_code == 200
        told = (
            json.loads(line.removeprefix("data: ")) async for line in response.aiter_lines() if line
        )
        kinds = []
        async for event in told:
            if event["type"] == "BOOKMARK":
                break
            kinds.append(event["object"]["kind"])
        assert kinds[:3] == ["LaneGroup", "Lane", "Lane"]
        assert set(kinds) >= {"LaneGroup", "Lane", "Service"}
        await consoled.ask("POST", LANES, lane("s2"), params=WRITING)
        async for event in told:
            if event["object"]["metadata"]["name"] == "s2":
                break
        assert event["object"]["kind"] == "Lane"


async def test_who_may_not_list_learns_what_is_lacking(consoled: Consoled) -> None:
    consoled.cluster.allowed.remove(("joe", "list", "services"))
    answer = await consoled.ask("GET", STREAM, token="joe")
    assert answer.status_code == 403
    assert 'User "joe" cannot list resource "services"' in answer.json()["message"]


async def test_without_the_console_built_its_page_says_so(consoled: Consoled) -> None:
    async with consoling(read(consoled.cluster.kubeconfig("operator")), None) as client:
        answer = await client.get("/console/")
    assert (answer.status_code, "was not built" in answer.text) == (404, True)
