"""Requests that the API sends for a user: where they go, and what is said of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from tests.wiring.api_servers import api

from laneway.adapters.runner.http_client import Response
from laneway.adapters.runner.trial_requests import send
from laneway.apiserver.failures import Failure
from laneway.apiserver.request_trials import Counts, hops
from laneway.apiserver.tokens import Identity
from laneway.apiserver.virtual_resources import REQUEST_TRIAL, Asked, spec_of
from laneway.model.names import ObjectName
from laneway.model.placements import Address, GatewayPlacement
from laneway.schema.api_requests import SentRequest
from laneway.wiring.request_trials import RequestTrials

ENTRY, OTHER = ObjectName("istio-system", "entry"), ObjectName("default", "other")
HERE = Address("127.0.0.1", 7001)
GATEWAYS = {
    ENTRY: GatewayPlacement(ENTRY, {80: HERE, 81: Address("127.0.0.1", 7002)}),
    OTHER: GatewayPlacement(OTHER, {80: Address("127.0.0.1", 7003)}),
}


class Mesh:
    """Two proxies that count what passes them, and where requests went."""

    def __init__(self) -> None:
        self.sent: list[Address] = []
        self.counts: dict[str, dict[tuple[str, str, str], int]] = {"router": {}, "sidecar": {}}
        self.trials = RequestTrials(
            lambda: GATEWAYS, lambda: [*self.counts, "gone"], self.count, self.send, settling=0
        )

    async def send(self, address: Address, request: SentRequest) -> Response:
        self.sent.append(address)
        self.add("router", ("default/a", "s2", "s2"))
        self.add("sidecar", ("default/b", "?", "s1"))
        return Response(200, b"odd" if len(self.sent) == 2 else b"even")

    async def count(self, node: str) -> Counts:
        return dict(self.counts[node])

    def add(self, node: str, key: tuple[str, str, str]) -> None:
        self.counts[node][key] = self.counts[node].get(key, 0) + 1

    async def ask(
        self, spec: Mapping[str, Any], *scopes: str, dry_run: bool = False
    ) -> dict[str, Any]:
        body = {"apiVersion": "api.laneway.dev/v1alpha1", "kind": "RequestTrial", "spec": spec}
        identity = Identity("jill", frozenset(scopes or ("admin",)))
        asked = Asked(spec_of(REQUEST_TRIAL, body), identity, "", dry_run)
        return dict((await self.trials.answer(asked)).status)


async def test_requests_go_to_the_gateway_and_each_hop_is_counted() -> None:
    mesh = Mesh()
    mesh.counts["router"]["default/a", "s2", "s2"] = 7
    assert await mesh.ask({"gateway": "istio-system/entry", "count": 3}) == {
        "gateway": "istio-system/entry",
        "port": 80,
        "url": "http://127.0.0.1:7001",
        "answers": [
            {"status": 200, "body": "even", "count": 2},
            {"status": 200, "body": "odd", "count": 1},
        ],
        "hops": [
            {
                "proxy": "router",
                "service": "default/a",
                "lane": "s2",
                "servedLane": "s2",
                "requests": 3,
            },
            {
                "proxy": "sidecar",
                "service": "default/b",
                "lane": "?",
                "servedLane": "s1",
                "requests": 3,
            },
        ],
    }
    assert mesh.sent == [HERE] * 3


async def test_whatever_the_host_is_requests_go_to_a_gateway_alone() -> None:
    mesh = Mesh()
    for host in ("evil.test", "169.254.169.254", "127.0.0.1:6379", "localhost:7003"):
        await mesh.ask({"gateway": "entry", "port": 80, "request": {"host": host}})
    assert set(mesh.sent) == {HERE}


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"count": 0}, "spec.count"),
        ({"count": 101}, "spec.count"),
        ({"request": {"host": "a b"}}, "spec.request.host"),
        ({"request": {"host": "a\r\nX: y"}}, "spec.request.host"),
        ({"request": {"host": "user@evil.test"}}, "spec.request.host"),
        ({"request": {"path": "http://evil.test/"}}, "spec.request.path"),
        ({"request": {"path": "/a b"}}, "spec.request.path"),
        ({"request": {"path": "/\r\n\r\nGET /"}}, "spec.request.path"),
        ({"request": {"path": "/\n"}}, "spec.request.path"),
        ({"request": {"method": "CONNECT"}}, "spec.request.method"),
        ({"request": {"headers": {"x-a": "b\r\nc: d"}}}, "spec.request.headers"),
        ({"request": {"headers": {"x-a": "b\n c"}}}, "spec.request.headers"),
        ({"request": {"headers": {"x-a": "b\n"}}}, "spec.request.headers"),
        ({"request": {"headers": {"x-a": "泳道"}}}, "spec.request.headers"),
        ({"request": {"headers": {"Host": "evil.test"}}}, "spec.request.headers"),
        ({"request": {"headers": {"Transfer-Encoding": "chunked"}}}, "spec.request.headers"),
        ({"request": {"headers": {"content-length": "5"}}}, "spec.request.headers"),
        ({"request": {"headers": {"x-laneway-caller": "s2"}}}, "spec.request.headers"),
    ],
)
async def test_what_is_no_request_is_refused(spec: dict[str, Any], field: str) -> None:
    mesh = Mesh()
    with pytest.raises(Failure) as failed:
        await mesh.ask({"gateway": "entry", **spec})
    assert failed.value.code == 422
    assert field in str(failed.value)
    assert mesh.sent == []


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, "say which gateway; there is istio-system/entry, default/other"),
        ({"gateway": "evil.test"}, "there is no gateway evil.test"),
        ({"gateway": "entry", "port": 22}, "has no port 22; there is 80, 81"),
    ],
)
async def test_there_is_no_such_gateway(spec: dict[str, Any], words: str) -> None:
    mesh = Mesh()
    with pytest.raises(Failure, match=words):
        await mesh.ask(spec)
    assert mesh.sent == []


async def test_who_may_only_look_sends_nothing() -> None:
    mesh = Mesh()
    with pytest.raises(Failure) as failed:
        await mesh.ask({"gateway": "entry"}, "view")
    assert failed.value.code == 403
    assert mesh.sent == []
    await mesh.ask({"gateway": "entry"}, "edit:shop")
    assert mesh.sent == [HERE]


async def test_a_dry_run_sends_nothing() -> None:
    mesh = Mesh()
    assert (await mesh.ask({"gateway": "entry"}, dry_run=True))["answers"] == []
    assert mesh.sent == []


def test_a_proxy_that_was_replaced_counts_from_the_beginning() -> None:
    key = ("default/a", "s1", "s1")
    risen = hops({"router": {key: 9}}, {"router": {key: 2}})
    assert [each["requests"] for each in risen] == [2]


async def test_trials_run_one_after_the_other() -> None:
    mesh = Mesh()
    both = await asyncio.gather(*(mesh.ask({"gateway": "entry", "count": 5}) for _ in range(2)))
    assert [[hop["requests"] for hop in each["hops"]] for each in both] == [[5, 5]] * 2


async def test_the_api_answers_a_trial() -> None:
    async with api() as served:
        failure = await served.refused("requesttrials", "RequestTrial", {"count": 2}, 422)
        assert failure["message"] == "spec.gateway: say which gateway; there is none"


async def test_a_request_is_sent_as_it_is_and_its_answer_is_bounded() -> None:
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        head = (
            b"HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\nContent-Length: 9000000\r\n\r\n"
        )
        writer.write(head + b"x" * 1_000_000)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
        answer = await send(address, "POST", "shop.test", "/a?b=c", {"x-lane": "s2"})
    assert answer.status == 302
    assert 0 < len(answer.body) <= 256 * 1024
    assert received == [
        b"POST /a?b=c HTTP/1.1\r\nHost: shop.test\r\nx-lane: s2\r\nContent-Length: 0\r\n"
        b"Connection: close\r\n\r\n"
    ]


async def test_no_answer_is_an_answer() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
        answer = await send(address, "GET", "a", "/", {}, deadline=0.05)
    assert (answer.status, answer.text) == (0, "no answer in 0.05 s")
    assert (await send(address, "GET", "a", "/", {})).status == 0
