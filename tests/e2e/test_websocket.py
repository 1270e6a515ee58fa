"""WebSockets through gateway and sidecars, and from application to application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from tests.compile.meshes import ROUTE_HEADER, TRACE_HEADER
from tests.e2e.chains import LANES, SERVED, chain, pair
from tests.e2e.conftest import Run
from tests.e2e.scenarios import gateway_url
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from laneway.wiring.embedded import Embedded

pytestmark = [pytest.mark.envoy, pytest.mark.slow]


@asynccontextmanager
async def socket(embedded: Embedded, lane: str, path: str = "/") -> AsyncIterator[ClientConnection]:
    url = gateway_url(embedded).replace("http://", "ws://") + path
    headers = {ROUTE_HEADER: lane, TRACE_HEADER: f"trace-{lane}"}
    async with connect(url, additional_headers=headers, proxy=None) as opened:
        yield opened


async def test_the_lane_of_the_upgrade_answers_and_a_thousand_messages_go_both_ways(
    run: Run,
) -> None:
    async with run(pair("asgi_application")) as embedded:
        for lane in ("s1", "s2"):
            async with socket(embedded, lane) as ws:
                assert await ws.recv() == f"a-{lane}"
                said = [f"message {number}" for number in range(1000)]

                async def send(ws: ClientConnection = ws, said: list[str] = said) -> None:
                    for text in said:
                        await ws.send(text)

                sending = asyncio.create_task(send())
                assert [await ws.recv() for _ in said] == said
                await sending
                await ws.send(b"\0" * (1 << 19))
                assert await ws.recv() == b"\0" * (1 << 19)


async def test_closing_codes_arrive(run: Run) -> None:
    async with run(pair("asgi_application")) as embedded, socket(embedded, "s2") as ws:
        await ws.recv()
        await ws.send("close 4321")
        with pytest.raises(ConnectionClosed) as closed:
            await ws.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4321, "as asked")


async def test_an_application_reaches_its_upstream_in_the_lane(run: Run) -> None:
    """Its library opens a tunnel with CONNECT through the sidecar, for plain text, too."""
    async with run(chain("asgi_application", scheme="http://")) as embedded:
        for lane in LANES:
            async with socket(embedded, lane, "/upstream") as ws:
                assert [await ws.recv(), await ws.recv()] == SERVED[lane][:2]
                for number in range(100):
                    await ws.send(str(number))
                    assert await ws.recv() == str(number)


async def test_an_open_socket_outlives_changes_to_its_lane(run: Run) -> None:
    mesh = pair("asgi_application")
    async with run(mesh) as embedded, socket(embedded, "s2") as ws:
        await ws.recv()
        assert (await embedded.change(replace(mesh, lanes=mesh.lanes[:1]))).applied
        await ws.send("still here")
        assert await ws.recv() == "still here"
