"""``api.laneway.dev`` behind a real API server, which authenticates users and forwards requests."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from tests.cluster.administrators import ApiError
from tests.cluster.aggregated_operators import account, aggregated, allow
from tests.cluster.sandboxes import Sandbox, until

from laneway.adapters.kube import credentials

pytestmark = pytest.mark.slow

GROUP = "/apis/api.laneway.dev/v1alpha1"


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


async def test_users_ask_and_change_lanes_by_the_rights_that_they_have(mesh: Sandbox) -> None:
    token = await account(mesh, "joe")
    async with aggregated(mesh):
        code, refused = await post(mesh, token, "Analysis", "analyses", {})
        assert (code, refused.get("reason")) == (403, "Forbidden"), refused
        await allow(mesh, "joe", "laneway-api-view")

        async def answered() -> bool:
            return (await post(mesh, token, "Analysis", "analyses", {}))[0] == 201

        await until(answered)
        lane = mesh.lane("v3", "b")
        mesh.cleanup.push_async_callback(mesh.admin.delete, lane)
        changes = {"source": "shop", "objects": [lane]}
        code, refused = await post(mesh, token, "ChangeSet", "changesets", changes)
        assert code == 403
        await allow(mesh, "joe", "laneway-api-edit")

        async def lacks_the_right_for_lanes() -> bool:
            _, refused = await post(mesh, token, "ChangeSet", "changesets", changes)
            return 'cannot patch resource "lanes"' in refused["message"]

        await until(lacks_the_right_for_lanes)
        assert not await mesh.is_there(lane)
        body = {"apiVersion": "api.laneway.dev/v1alpha1", "kind": "ChangeSet", "spec": changes}
        await mesh.admin.ask("POST", f"{GROUP}/changesets", body=body)
        made = await mesh.admin.get(lane) or {}
        owners = {each["manager"]: each["operation"] for each in made["metadata"]["managedFields"]}
        assert owners["shop"] == "Apply"
        await until(lambda: _is_documented(mesh))


async def _is_documented(place: Sandbox) -> bool:
    """The API server asks for OpenAPI documents from time to time."""
    try:
        document = await place.admin.ask("GET", f"/openapi/v3{GROUP}")
    except ApiError as error:
        if error.code != 404:
            raise
        return False
    return "patch" in document["paths"][f"{GROUP}/explanations/{{name}}"]
