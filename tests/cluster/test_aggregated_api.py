"""``api.laneway.dev`` behind a real API server, which authenticates users and forwards requests.

The operator runs as a process of its own on this machine, with the chart's roles and APIService.
Only the Service differs: it leads to this machine instead of to pods.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from deploy.charts import NAMESPACE, documents
from tests.cluster.administrators import Object
from tests.cluster.sandboxes import PATIENCE, Sandbox, until
from tests.cluster.test_webhook import runs_here

from laneway.adapters.kube import credentials

pytestmark = pytest.mark.slow

GROUP = "/apis/api.laneway.dev/v1alpha1"


@asynccontextmanager
async def operator(place: Sandbox) -> AsyncIterator[int]:
    """The port at which it serves the API."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from laneway.faces.operator import main; main()",
        *("--port", "0", "--api", "--api-port", "0"),
        *("--namespace", place.namespace, "--root-namespace", place.namespace),
        *("--identity", "one", "--settle", "0.2"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "KUBECONFIG": str(place.kubeconfig)},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            yield await _port(process.stdout)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def _port(lines: asyncio.StreamReader) -> int:
    read = []
    async for line in lines:
        read.append(line.decode())
        if b"serving the API" in line:
            return int(json.loads(line)["port"])
    raise AssertionError("".join(read))


def installed(place: Sandbox, port: int) -> list[Object]:
    """What the chart adds for the API, under names of the sandbox."""
    found = []
    for document in documents({"api": {"enabled": True}}):
        if (
            not document["metadata"]["name"]
            .removeprefix("v1alpha1.")
            .startswith(("laneway-api", "api.laneway"))
        ):
            continue
        item: Any = copy.deepcopy(document)
        if item["kind"] == "Service":
            item["spec"] = {"type": "ExternalName", "externalName": "localhost"}
        if item["kind"] == "APIService":
            item["spec"]["service"] |= {"namespace": place.namespace, "port": port}
        elif item["metadata"].get("namespace") == NAMESPACE:
            item["metadata"]["namespace"] = place.namespace
        else:
            item["metadata"]["name"] = f"{place.prefix}-{item['metadata']['name']}"
        if item["kind"] == "ClusterRoleBinding":
            item["roleRef"]["name"] = f"{place.prefix}-{item['roleRef']['name']}"
        for subject in item.get("subjects", ()):
            subject["namespace"] = place.namespace
        found.append(item)
    return found


async def post(place: Sandbox, token: str, kind: str, plural: str, spec: Any) -> tuple[int, Any]:
    body = {"apiVersion": GROUP.removeprefix("/apis/"), "kind": kind, "metadata": {}, "spec": spec}
    found = credentials.read(place.kubeconfig)  # without the administrator's certificate
    connector = aiohttp.TCPConnector(ssl=found.tls or True)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(found.server, headers=headers, connector=connector) as session,
        session.post(f"{GROUP}/{plural}", json=body) as answer,
    ):
        return answer.status, await answer.json()


async def account(place: Sandbox, name: str) -> str:
    """A token of a new account without rights."""
    metadata = {"name": name, "namespace": place.namespace}
    await place.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    path = f"/api/v1/namespaces/{place.namespace}/serviceaccounts/{name}/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return str((await place.admin.ask("POST", path, body=body))["status"]["token"])


async def allow(place: Sandbox, name: str, role: str) -> None:
    await place.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{place.prefix}-{name}-{role}"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": f"{place.prefix}-{role}",
            },
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": place.namespace}],
        }
    )


async def test_users_ask_and_change_lanes_by_the_rights_that_they_have(mesh: Sandbox) -> None:
    if not runs_here():
        pytest.skip("the API server does not run on this machine, and could not reach the operator")
    service: Object = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1alpha1.api.laneway.dev"},
    }
    if await mesh.is_there(service):
        pytest.skip("the cluster has an APIService for api.laneway.dev already")
    for item in installed(mesh, 1):
        await mesh.apply(item)
    token = await account(mesh, "joe")
    async with operator(mesh) as port:
        for item in installed(mesh, port):
            await mesh.apply(item)
        await mesh.until_condition(service, "Available", "True")
        code, refused = await post(mesh, token, "Analysis", "analyses", {})
        assert (code, refused.get("reason")) == (403, "Forbidden"), refused
        await allow(mesh, "joe", "laneway-api-view")

        async def answered() -> bool:
            return (await post(mesh, token, "Analysis", "analyses", {}))[0] == 201

        await until(answered)
        lane = mesh.lane("v3", "b")
        changes = {"source": "shop", "objects": [lane]}
        code, refused = await post(mesh, token, "ChangeSet", "changesets", changes)
        assert code == 403
        await allow(mesh, "joe", "laneway-api-edit")

        async def lacks_the_right_for_lanes() -> bool:
            _, refused = await post(mesh, token, "ChangeSet", "changesets", changes)
            return 'cannot patch resource "lanes"' in refused["message"]

        await until(lacks_the_right_for_lanes)
        assert not await mesh.is_there(lane)
        mesh.cleanup.push_async_callback(mesh.admin.delete, lane)
        body = {"apiVersion": "api.laneway.dev/v1alpha1", "kind": "ChangeSet", "spec": changes}
        await mesh.admin.ask("POST", f"{GROUP}/changesets", body=body)
        made = await mesh.admin.get(lane) or {}
        owners = {each["manager"]: each["operation"] for each in made["metadata"]["managedFields"]}
        assert owners["shop"] == "Apply"
        document = await mesh.admin.ask("GET", f"/openapi/v3{GROUP}")
        assert "patch" in document["paths"][f"{GROUP}/explanations/{{name}}"]
