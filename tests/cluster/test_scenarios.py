"""The article's two scenarios on a real cluster: ``make test-cluster``.

Needs a cluster with Istio and laneway installed, named by ``KUBECONFIG``, where it may create and
delete what ``examples/kubernetes`` holds. ``LANEWAY_GATEWAY`` is the ingress gateway's Service, as
``namespace/name:port``; requests reach it through the API server, so nothing needs to be exposed.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from laneway.adapters.kube import credentials
from laneway.adapters.kube.client import Client
from laneway.adapters.kube.credentials import Credentials
from laneway.adapters.kube.errors import NotFound
from laneway.adapters.kube.resources import LANES, Resource

EXAMPLES = Path(__file__).parents[2] / "examples" / "kubernetes"
PATHS = {
    "s1": ["mocka v1", "mockb v1", "mockc v1"],
    "s2": ["mocka v2", "mockb v1", "mockc v2"],
    "s3": ["mocka v1", "mockb v3", "mockc v1"],
}
#: Seconds for images to be pulled and pods to become ready.
PATIENCE = 300

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (os.environ.get("LANEWAY_TEST_CLUSTER") and os.environ.get("KUBECONFIG")),
        reason="needs a cluster: set KUBECONFIG and run `make test-cluster`",
    ),
]


@pytest.mark.parametrize("scenario", ["scenario-1", "scenario-2"])
async def test_scenario(scenario: str) -> None:
    documents = [
        document
        for path in sorted((EXAMPLES / scenario).glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if document
    ]
    assert documents, f"{EXAMPLES / scenario} holds no documents"
    (group,) = (d["spec"] for d in documents if d["kind"] == "LaneGroup")
    found = credentials.find()
    async with (
        Client(found) as client,
        session_of(found) as session,
        applied(client, session, documents),
    ):
        async with asyncio.timeout(PATIENCE):
            await until_ready(client)
        for lane, path in PATHS.items():
            for number in range(100):
                trace = {group["traceHeader"]: f"{lane}-{number}"}
                assert await call(session, {**trace, group["routeHeader"]: lane}) == path, lane


@asynccontextmanager
async def session_of(found: Credentials) -> AsyncIterator[aiohttp.ClientSession]:
    token = found.token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connector = aiohttp.TCPConnector(ssl=found.tls or True)
    async with aiohttp.ClientSession(found.server, headers=headers, connector=connector) as session:
        yield session


@asynccontextmanager
async def applied(
    client: Client, session: aiohttp.ClientSession, documents: Iterable[dict[str, Any]]
) -> AsyncIterator[None]:
    """The documents' objects, in their order; deleted in the opposite one."""
    async with AsyncExitStack() as stack:
        for document in documents:
            resource = await resource_of(session, document)
            created = await client.apply(resource, document)
            stack.push_async_callback(_delete, client, resource, created)
        yield


async def _delete(client: Client, resource: Resource, item: dict[str, Any]) -> None:
    try:
        await client.delete(resource, item)
    except NotFound:
        return


async def resource_of(session: aiohttp.ClientSession, document: dict[str, Any]) -> Resource:
    """The document's resource, as the API server's discovery has it."""
    group, _, version = str(document["apiVersion"]).rpartition("/")
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    async with session.get(root) as response:
        response.raise_for_status()
        for each in (await response.json())["resources"]:
            if each["kind"] == document["kind"] and "/" not in each["name"]:
                return Resource(group, version, each["name"], each["kind"], ())
    raise AssertionError(f"the cluster has no kind {document['kind']} of {document['apiVersion']}")


async def until_ready(client: Client) -> None:
    """Every lane is in force and has its instances."""
    while True:
        lanes, _ = await client.list(LANES)
        states = [
            {c["type"]: c["status"] for c in (lane.get("status") or {}).get("conditions", ())}
            for lane in lanes
        ]
        if states and all(state.get("Ready") == "True" for state in states):
            return
        await asyncio.sleep(1)


async def call(session: aiohttp.ClientSession, headers: dict[str, str]) -> list[str]:
    """The services that answered, with their versions, in order."""
    gateway = os.environ.get("LANEWAY_GATEWAY", "istio-system/istio-ingressgateway:80")
    namespace, _, service = gateway.partition("/")
    path = f"/api/v1/namespaces/{namespace}/services/{service}/proxy/mock"
    async with session.get(path, headers=headers) as response:
        text = await response.text()
        assert response.status == 200, text
    return [" ".join(hop) for hop in re.findall(r"(mock[abc])\(version: (v\d)", text)]
