"""The servers that must behave alike: laneway's own, and the API server of a cluster.

The second one needs KUBECONFIG, and laneway's CRDs there; ``make test-cluster`` asks for it. Every
object has a label of its run, by which it is deleted afterwards.
"""

from __future__ import annotations

import os
import secrets
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.wiring.api_servers import LANES, V1, api

from laneway.adapters.kube import credentials

SERVICES = "/api/v1/namespaces/default/services"
LABEL = "contract.laneway.dev/run"


@dataclass(frozen=True)
class Server:
    """``run`` is in the name and a label of each object."""

    client: httpx.AsyncClient
    run: str

    def lane(self, name: str = "one", **spec: Any) -> dict[str, Any]:
        declared = {"group": "contract", "selector": {"version": name}, **spec}
        return self._object(V1, "Lane", name, declared)

    def service(self, name: str, *ports: dict[str, Any]) -> dict[str, Any]:
        return self._object("v1", "Service", name, {"ports": list(ports)})

    def _object(self, api: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
        metadata = {"name": f"{self.run}-{name}", "labels": {LABEL: self.run}}
        return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}

    @property
    def selector(self) -> str:
        return f"{LABEL}={self.run}"

    def path(self, name: str = "one") -> str:
        return f"{LANES}/{self.run}-{name}"

    async def create(self, *objects: dict[str, Any]) -> list[dict[str, Any]]:
        made = []
        for each in objects:
            answer = await self.client.post(
                SERVICES if each["kind"] == "Service" else LANES, json=each
            )
            assert answer.status_code == 201, answer.text
            made.append(answer.json())
        return made

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, code: int = 200
    ) -> dict[str, Any]:
        return await self.ask("GET", path, code, params=query)

    async def ask(self, method: str, path: str, code: int = 200, **more: Any) -> dict[str, Any]:
        answer = await self.client.request(method, path, **more)
        assert answer.status_code == code, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def patch(
        self,
        kind: str,
        path: str,
        patch: Any,
        code: int = 200,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        headers = {"content-type": kind}
        return await self.ask("PATCH", path, code, json=patch, headers=headers, params=query)


@asynccontextmanager
async def _laneway(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Over TLS and with a token, as clients reach ``laneway serve`` and its like."""
    async with api(tls=folder) as served:
        headers = {"authorization": f"Bearer {served.token}"}
        context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        async with httpx.AsyncClient(
            base_url=served.url, headers=headers, verify=context, timeout=30
        ) as client:
            yield client


@asynccontextmanager
async def _cluster() -> AsyncIterator[httpx.AsyncClient]:
    if not (os.environ.get("LANEWAY_TEST_CLUSTER") and os.environ.get("KUBECONFIG")):
        pytest.skip("needs a cluster: set KUBECONFIG and run `make test-cluster`")
    found = credentials.find()
    token = found.token()
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(
        base_url=found.server, headers=headers, verify=found.tls or True, timeout=30
    ) as client:
        yield client


@pytest.fixture(params=["laneway", "cluster"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    connected = _laneway(tmp_path) if request.param == "laneway" else _cluster()
    async with connected as client:
        made = Server(client, f"contract-{secrets.token_hex(4)}")
        try:
            yield made
        finally:
            await client.delete(LANES, params={"labelSelector": made.selector})
            listed = await client.get(SERVICES, params={"labelSelector": made.selector})
            for each in listed.json()["items"]:
                await client.delete(f"{SERVICES}/{each['metadata']['name']}")
