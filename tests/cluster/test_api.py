"""What laneway relies on of the API server, and only a real one can show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.cluster.administrators import Administrator, ApiError
from tests.cluster.sandboxes import Sandbox

from laneway.adapters.kube import client as clients
from laneway.adapters.kube import credentials
from laneway.adapters.kube.client import Client
from laneway.adapters.kube.errors import Conflict, Forbidden, Gone, NotFound
from laneway.adapters.kube.resources import LANES, LEASES, PODS, SERVICES, generated
from laneway.compile.istio.kinds import KINDS

pytestmark = pytest.mark.slow

VIRTUAL_SERVICES = generated(KINDS)["VirtualService"]


@pytest.fixture
async def client(place: Sandbox) -> AsyncIterator[Client]:
    """With the permissions of laneway's service account."""
    async with Client(credentials.read(place.kubeconfig)) as client:
        yield client


async def routes(place: Sandbox, *hosts: str) -> dict[str, Any]:
    http = [{"route": [{"destination": {"host": "x"}}]}]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "x", "namespace": place.namespace},
        "spec": {"hosts": list(hosts), "http": http},
    }


async def test_lists_are_read_page_by_page(
    place: Sandbox, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        await place.apply(place.service(f"s{number}"))
    monkeypatch.setattr(clients, "PAGE", 2)
    items, version = await client.list(SERVICES)
    ours = [item for item in items if item["metadata"]["namespace"] == place.namespace]
    assert len(ours) == 5
    assert version.isdigit()


async def test_a_version_that_is_too_old_is_gone(client: Client) -> None:
    with pytest.raises(Gone):
        async for _ in client.watch(LANES, "1"):
            pass


async def test_pods_come_as_metadata_in_lists_and_watches(place: Sandbox, client: Client) -> None:
    items, version = await client.list(PODS)
    assert not [item for item in items if "spec" in item]
    await place.apply(place.pod("a", "v1"))
    async for kind, item in client.watch(PODS, version):
        if kind == "ADDED" and item["metadata"]["namespace"] == place.namespace:
            assert item["kind"] == "PartialObjectMetadata"
            assert "spec" not in item
            assert item["metadata"]["labels"] == {"app": "a", "version": "v1"}
            break


async def test_fields_that_are_no_longer_applied_go(place: Sandbox, client: Client) -> None:
    one = await routes(place, "x")
    first = await client.apply(
        VIRTUAL_SERVICES, {**one, "spec": {**one["spec"], "exportTo": ["."]}}
    )
    assert await client.apply(VIRTUAL_SERVICES, {**one, "spec": first["spec"]}) == first
    then = await client.apply(VIRTUAL_SERVICES, one)
    assert "exportTo" not in then["spec"]


async def test_what_another_manager_set_is_taken_over(place: Sandbox, client: Client) -> None:
    await client.apply(VIRTUAL_SERVICES, await routes(place, "x"))
    with pytest.raises(ApiError, match='conflict with "laneway"'):
        await place.admin.apply(await routes(place, "y"))
    await place.admin.change(await routes(place), {"spec": {"hosts": ["y"]}})
    again = await client.apply(VIRTUAL_SERVICES, await routes(place, "x"))
    assert again["spec"]["hosts"] == ["x"]


async def test_another_object_of_the_same_name_is_neither_changed_nor_deleted(
    place: Sandbox, client: Client
) -> None:
    item = await routes(place, "x")
    old = await client.apply(VIRTUAL_SERVICES, item)
    await client.delete(VIRTUAL_SERVICES, old)
    with pytest.raises(NotFound):
        await client.delete(VIRTUAL_SERVICES, old)
    body = {**item, "metadata": {**item["metadata"], "uid": old["metadata"]["uid"]}}
    with pytest.raises(Conflict):  # nothing is made in its place, either
        await client.apply(VIRTUAL_SERVICES, body)
    assert not await place.is_there(item)
    await client.apply(VIRTUAL_SERVICES, item)
    with pytest.raises(Conflict):
        await client.apply(VIRTUAL_SERVICES, body)
    with pytest.raises(Conflict):
        await client.delete(VIRTUAL_SERVICES, old)


async def test_a_lease_is_taken_by_one(place: Sandbox, client: Client) -> None:
    metadata = {"name": "laneway-operator", "namespace": place.namespace}
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
    lease = await client.create(LEASES, place.namespace, body)
    with pytest.raises(Conflict):
        await client.create(LEASES, place.namespace, body)
    await client.update(LEASES, {**lease, "spec": {"holderIdentity": "one"}})
    with pytest.raises(Conflict):
        await client.update(LEASES, {**lease, "spec": {"holderIdentity": "two"}})


async def test_what_is_forbidden_is_named(place: Sandbox, client: Client) -> None:
    service = place.service("a")
    with pytest.raises(Forbidden, match="allow `create` on `services`"):
        await client.create(SERVICES, place.namespace, service)
    with pytest.raises(Forbidden, match="allow `get` on `leases`"):
        await client.get(LEASES, "default", "laneway-operator")


@pytest.mark.parametrize(
    ("verb", "group", "resource"),
    [
        ("list", "", "secrets"),
        ("list", "", "configmaps"),
        ("create", "", "pods"),
        ("delete", "", "pods"),
        ("patch", "", "services"),
        ("patch", "apps", "deployments"),
        ("patch", "laneway.dev", "lanes"),
        ("delete", "laneway.dev", "lanegroups"),
        ("patch", "networking.istio.io", "gateways"),
        ("patch", "rbac.authorization.k8s.io", "clusterroles"),
        ("deletecollection", "networking.istio.io", "virtualservices"),
        ("create", "", "serviceaccounts"),
    ],
)
async def test_the_service_account_may_not(
    place: Sandbox, verb: str, group: str, resource: str
) -> None:
    attributes = {"verb": verb, "group": group, "resource": resource, "namespace": "default"}
    assert not await allowed(place.admin, place.namespace, attributes)


async def allowed(admin: Administrator, namespace: str, attributes: dict[str, str]) -> bool:
    user = f"system:serviceaccount:{namespace}:laneway"
    groups = [
        "system:serviceaccounts",
        f"system:serviceaccounts:{namespace}",
        "system:authenticated",
    ]
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "metadata": {},
        "spec": {"user": user, "groups": groups, "resourceAttributes": attributes},
    }
    return bool((await admin.create(review))["status"]["allowed"])
