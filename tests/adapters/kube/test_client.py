"""The API client: what it asks, how patient it is, and what its errors say."""

from __future__ import annotations

import kmock
import pytest
from tests.adapters.kube.api_servers import client_of, serving

from laneway.adapters.kube.client import ATTEMPTS, PAGE, Client
from laneway.adapters.kube.credentials import Credentials
from laneway.adapters.kube.errors import Conflict, Forbidden, Gone, NotFound
from laneway.adapters.kube.resources import EVENTS, LANES, LEASES, generated
from laneway.compile.istio.kinds import KINDS
from laneway.operator.cluster_port import Refused, Unavailable

ROUTES = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "x", "namespace": "default"},
    "spec": {"hosts": ["x"]},
}

VIRTUAL_SERVICES = generated(KINDS)["VirtualService"]


class Pauses(list[float]):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


async def test_lists_are_read_page_by_page() -> None:
    async with serving() as api, client_of(api) as client:
        for number in range(PAGE + 1):
            await api.write("lanes", {"metadata": {"name": f"l{number}"}})
        items, version = await client.list(LANES)
        assert len(items) == PAGE + 1
        assert version.isdigit()
        assert api.reads == ["list lanes"] * 2


async def test_applying_the_same_again_changes_nothing() -> None:
    async with serving() as api, client_of(api) as client:
        first = await client.apply(VIRTUAL_SERVICES, ROUTES)
        assert await client.apply(VIRTUAL_SERVICES, ROUTES) == first


async def test_another_object_of_the_same_name_is_neither_changed_nor_deleted() -> None:
    async with serving() as api, client_of(api) as client:
        old = await client.apply(VIRTUAL_SERVICES, ROUTES)
        await api.drop("virtualservices", "default", "x")
        await client.apply(VIRTUAL_SERVICES, ROUTES)
        with pytest.raises(Conflict):
            await client.delete(VIRTUAL_SERVICES, old)
        body = {**ROUTES, "metadata": {**ROUTES["metadata"], "uid": old["metadata"]["uid"]}}  # type: ignore[dict-item]
        with pytest.raises(Conflict):
            await client.apply(VIRTUAL_SERVICES, body)


async def test_retry_after_is_honoured() -> None:
    pauses = Pauses()
    async with serving() as api, client_of(api, pause=pauses) as client:
        api["patch"][:1] << 429 << kmock.headers({"Retry-After": "3"})
        await client.apply(VIRTUAL_SERVICES, ROUTES)
        assert pauses == [3.0]


async def test_waits_grow_and_patience_ends() -> None:
    pauses = Pauses()
    async with serving() as api, client_of(api, pause=pauses, jitter=lambda: 1.0) as client:
        api.fail("patch", "/virtualservices/.*", 503, "etcd is away")
        with pytest.raises(Unavailable, match="patch virtualservices default/x: etcd is away"):
            await client.apply(VIRTUAL_SERVICES, ROUTES)
        assert pauses == [0.25, 0.5, 1.0, 2.0]
        assert len(pauses) == ATTEMPTS - 1


async def test_a_refusal_says_of_what() -> None:
    async with serving() as api, client_of(api) as client:
        event = {"metadata": {"generateName": "x."}}
        with pytest.raises(Refused, match=r"^create events default: metadata.generateName: "):
            await client.create(EVENTS, "default", event)
        with pytest.raises(NotFound, match=r"^get leases default/leases: "):
            await client.get(LEASES, "default", "leases")


async def test_a_missing_permission_is_named() -> None:
    async with serving() as api, client_of(api) as client:
        api.fail("patch", "/virtualservices/.*", 403, "nope")
        with pytest.raises(Forbidden, match="nope; allow `patch` on `virtualservices`"):
            await client.apply(VIRTUAL_SERVICES, ROUTES)


async def test_what_is_refused_is_asked_once() -> None:
    pauses = Pauses()
    async with serving() as api, client_of(api, pause=pauses) as client:
        api.fail("patch", "/virtualservices/.*", 422, "spec.hosts: Required value")
        with pytest.raises(Refused, match=r"spec\.hosts: Required value"):
            await client.apply(VIRTUAL_SERVICES, ROUTES)
        with pytest.raises(NotFound):
            await client.get(LEASES, "default", "none")
        assert pauses == []


async def test_a_version_too_old_is_gone() -> None:
    async with serving() as api, client_of(api) as client:
        await api.cut_watches(forget=True)
        with pytest.raises(Gone, match="watch lanes: too old resource version"):
            [event async for event in client.watch(LANES, "1")]


async def test_a_server_that_is_not_there() -> None:
    client = Client(Credentials("http://127.0.0.1:1"), pause=Pauses())
    async with client:
        with pytest.raises(Unavailable, match="list lanes"):
            await client.list(LANES)
        with pytest.raises(Unavailable, match="watch lanes"):
            await anext(client.watch(LANES, "1"))


async def test_the_token_is_asked_for_each_request() -> None:
    tokens = iter(["one", "two"])
    async with serving() as api:
        credentials = Credentials(str(api.url).rstrip("/"), token=lambda: next(tokens))
        async with Client(credentials) as client:
            await client.list(LANES)
            await client.list(LANES)
        assert [r.headers["Authorization"] for r in api[kmock.action.LIST]] == [
            "Bearer one",
            "Bearer two",
        ]


async def test_a_watch_tells_when_it_is_open() -> None:
    async with serving() as api, client_of(api) as client:
        events = client.watch(LANES, "100")
        assert await anext(events) == ("BOOKMARK", {"metadata": {}})
        await api.write("lanes", {"metadata": {"name": "l"}})
        kind, item = await anext(events)
        assert (kind, item["metadata"]["name"]) == ("ADDED", "l")
        await events.aclose()


async def test_a_token_that_cannot_be_had_is_a_fault_that_may_pass() -> None:
    def token() -> str:
        raise OSError("no such file")

    async with Client(Credentials("http://127.0.0.1:1", token=token), pause=Pauses()) as client:
        with pytest.raises(Unavailable, match="no token to show the API server: no such file"):
            await client.list(LANES)


async def test_calls_are_counted_with_their_codes() -> None:
    calls: list[tuple[str, str, int]] = []

    def called(verb: str, resource: str, code: int) -> None:
        calls.append((verb, resource, code))

    async with serving() as api, client_of(api, called=called) as client:
        api.fail("get", "/lanes", 500, "oops", times=1)
        await client.list(LANES)
        assert calls == [("list", "lanes", 500), ("list", "lanes", 200)]
