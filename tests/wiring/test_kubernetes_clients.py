"""Clients of Kubernetes that do not know laneway: the official one for Python, and the operator's.

kubectl is tried in ``tests/e2e``, against real proxies.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.wiring.api_servers import API, SHOP, V1, Api, api, lane

from laneway.adapters.kube.client import Client
from laneway.adapters.kube.credentials import Credentials
from laneway.adapters.kube.errors import Conflict, NotFound
from laneway.adapters.kube.resources import LANES, SERVICES
from laneway.operator.cluster_port import Refused


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Api]:
    async with api(tls=tmp_path) as made:
        await made.apply(*SHOP)
        await made.settle()
        yield made


@pytest.fixture
async def operators(shop: Api, tmp_path: Path) -> AsyncIterator[Client]:
    trusted = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    async with Client(Credentials(shop.url, trusted, lambda: shop.token)) as client:
        yield client


async def test_the_operators_client_lists_writes_and_deletes(shop: Api, operators: Client) -> None:
    items, version = await operators.list(LANES)
    assert [item["metadata"]["name"] for item in items] == ["s1", "z"]
    assert version == str(shop.store.latest)
    await operators.create(LANES, "", lane("s2"))
    await shop.settle()  # its status is another version
    made = await operators.get(LANES, "", "s2")
    changed = {**made, "spec": {**made["spec"], "weight": 5}}
    newer = await operators.update(LANES, changed)
    assert newer["spec"]["weight"] == 5
    with pytest.raises(Conflict):
        await operators.update(LANES, {**changed, "spec": {**made["spec"], "weight": 6}})
    applied = await operators.apply(LANES, lane("s2", weight=7))
    assert applied["spec"]["weight"] == 7
    another = {**applied, "metadata": {**applied["metadata"], "uid": "another"}}
    with pytest.raises(Conflict):
        await operators.delete(LANES, another)
    await operators.delete(LANES, applied)
    with pytest.raises(NotFound):
        await operators.get(LANES, "", "s2")
    with pytest.raises(Refused):
        await operators.create(LANES, "", lane("s3", weight=200))


async def test_the_operators_client_writes_a_status_apart(operators: Client) -> None:
    (before,) = [i for i in (await operators.list(LANES))[0] if i["metadata"]["name"] == "s1"]
    status = {"observedGeneration": 7}
    body = {"apiVersion": V1, "kind": "Lane", "metadata": {"name": "s1"}, "status": status}
    after = await operators.apply(LANES, body, "status")
    assert after["status"] == {**before["status"], "observedGeneration": 7}
    assert after["spec"] == before["spec"]


async def test_the_operators_client_watches(operators: Client) -> None:
    _, version = await operators.list(LANES)
    watch = operators.watch(LANES, version)
    async with asyncio.timeout(30):
        assert await anext(watch) == ("BOOKMARK", {"metadata": {}})
        await operators.create(LANES, "", lane("s2"))
        kind, item = await anext(watch)
        while kind == "BOOKMARK":
            kind, item = await anext(watch)
    await watch.aclose()
    assert (kind, item["metadata"]["name"]) == ("ADDED", "s2")


async def test_the_operators_client_reads_namespaced_objects(operators: Client) -> None:
    items, _ = await operators.list(SERVICES)
    assert {(i["metadata"]["namespace"], i["metadata"]["name"]) for i in items} == {
        ("default", "web"),
        ("default", "cart"),
    }


@pytest.mark.skipif(
    find_spec("kubernetes") is None, reason="kubernetes is not installed: `make develop` does it"
)
async def test_the_official_client_for_python(shop: Api, tmp_path: Path) -> None:
    found = await asyncio.to_thread(official, shop.url, shop.token, str(tmp_path / "ca.crt"))
    assert found["listed"] == {"s1", "z"}
    assert found["weight"] == 5
    assert found["conflict"] == 409
    assert found["watched"] == ("ADDED", "s3")
    assert found["deleted"] == 404
    assert found["table"] == "Revision"
    assert found["path"] == ["s1"]
    assert found["services"] == {"web", "cart"}


def official(url: str, token: str, authority: str) -> dict[str, Any]:
    """What the client sees. It waits on threads, as its users do."""
    import kubernetes
    from kubernetes.client.exceptions import ApiException
    from kubernetes.dynamic import DynamicClient
    from kubernetes.dynamic.exceptions import ConflictError, NotFoundError

    config = kubernetes.client.Configuration(host=url)
    config.ssl_ca_cert = authority
    config.api_key = {"authorization": f"Bearer {token}"}
    found: dict[str, Any] = {}
    with kubernetes.client.ApiClient(config) as plain:
        client = DynamicClient(plain)
        lanes = client.resources.get(api_version=V1, kind="Lane")
        listed = lanes.get()
        found["listed"] = {item.metadata.name for item in listed.items}
        lanes.create(body=lane("s2"))
        lanes.patch(
            name="s2",
            body={"spec": {"weight": 5}},
            content_type="application/merge-patch+json",
        )
        found["weight"] = lanes.get(name="s2").spec.weight
        try:
            lanes.server_side_apply(name="s2", body=lane("s2", weight=6), field_manager="pipeline")
        except (ApiException, ConflictError) as error:
            found["conflict"] = error.status
        version = listed.metadata.resourceVersion
        lanes.delete(name="s2")
        lanes.create(body=lane("s3"))
        for event in lanes.watch(resource_version=version, timeout=10):
            found["watched"] = (event["type"], event["object"].metadata.name)
            if event["object"].metadata.name == "s3":
                break
        try:
            lanes.get(name="s2")
        except NotFoundError as error:
            found["deleted"] = error.status
        revisions = client.resources.get(api_version=API, kind="Revision")
        found["table"] = revisions.get(limit=1).items[0].kind
        explanations = client.resources.get(api_version=API, kind="Explanation")
        asked = {
            "apiVersion": API,
            "kind": "Explanation",
            "spec": {"request": {"headers": {"x-lane": "s1"}}},
        }
        answer = explanations.create(body=asked)
        found["path"] = [answer.status.hops[0].intendedLane]
        core = kubernetes.client.CoreV1Api(plain)
        services = core.list_service_for_all_namespaces()
        found["services"] = {item.metadata.name for item in services.items}
    return found
