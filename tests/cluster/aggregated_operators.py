"""The operator as a process of its own that serves ``api.laneway.dev``, and users of the cluster.

The chart's roles and APIService are those that users install. Only the Service differs: it leads to
this machine instead of to pods.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from deploy.charts import NAMESPACE, documents
from tests.cluster.administrators import Object
from tests.cluster.sandboxes import PATIENCE, Sandbox
from tests.cluster.test_webhook import runs_here

_API = "serving the API"
CONSOLE = "serving the console"
API_SERVICE: Object = {
    "apiVersion": "apiregistration.k8s.io/v1",
    "kind": "APIService",
    "metadata": {"name": "v1alpha1.api.laneway.dev"},
}
_RBAC = "rbac.authorization.k8s.io"


@asynccontextmanager
async def aggregated(place: Sandbox, *options: str) -> AsyncIterator[Object]:
    """The operator, once the cluster forwards requests to it. Returns what it logged when it began
    to serve its console."""
    if not runs_here():
        pytest.skip("the API server does not run on this machine, and could not reach the operator")
    if await place.is_there(API_SERVICE):
        pytest.skip("the cluster has an APIService for api.laneway.dev already")
    for item in _installed(place, 1):
        await place.apply(item)
    wanted = {_API, *([CONSOLE] if "--console" in options else [])}
    async with _operator(place, options, wanted) as said:
        for item in _installed(place, said[_API]["port"]):
            await place.apply(item)
        await place.until_condition(API_SERVICE, "Available", "True")
        yield said.get(CONSOLE, {})


@asynccontextmanager
async def _operator(
    place: Sandbox, options: Sequence[str], wanted: set[str]
) -> AsyncIterator[dict[str, Object]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from laneway.faces.operator import main; main()",
        *("--port", "0", "--api", "--api-port", "0"),
        *("--namespace", place.namespace, "--root-namespace", place.namespace),
        *("--identity", "one", "--settle", "0.2", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "KUBECONFIG": str(place.kubeconfig)},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            said = await _said(process.stdout, wanted)
        yield said
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def _said(lines: asyncio.StreamReader, wanted: set[str]) -> dict[str, Object]:
    """The log lines with these events."""
    read: list[str] = []
    found: dict[str, Object] = {}
    async for line in lines:
        read.append(line.decode())
        event = json.loads(line) if line.startswith(b"{") else {}
        if event.get("event") in wanted:
            found[event["event"]] = event
        if found.keys() == wanted:
            return found
    raise AssertionError("".join(read))


def _installed(place: Sandbox, port: int) -> list[Object]:
    """What the chart adds for the API and the console, under names of the sandbox."""
    found = []
    for document in documents({"api": {"enabled": True}, "console": {"enabled": True}}):
        name = document["metadata"]["name"].removeprefix("v1alpha1.")
        if not name.startswith(("laneway-api", "api.laneway", "laneway-console")):
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


async def account(place: Sandbox, name: str) -> str:
    """A token of a new account without rights."""
    metadata = {"name": name, "namespace": place.namespace}
    await place.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    path = f"/api/v1/namespaces/{place.namespace}/serviceaccounts/{name}/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return str((await place.admin.ask("POST", path, body=body))["status"]["token"])


async def allow(place: Sandbox, name: str, role: str) -> None:
    """``role`` is a ClusterRole of the chart."""
    await place.apply(
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{place.prefix}-{name}-{role}"},
            "roleRef": {
                "apiGroup": _RBAC,
                "kind": "ClusterRole",
                "name": f"{place.prefix}-{role}",
            },
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": place.namespace}],
        }
    )
