"""The sockets of the API, when one server takes over from another one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from laneway.adapters.http.server import ApiServer, TcpEndpoint


def answering(text: str, arrived: asyncio.Event, released: asyncio.Event) -> Starlette:
    async def now(_: Request) -> Response:
        return PlainTextResponse(text)

    async def later(_: Request) -> Response:
        arrived.set()
        await released.wait()
        return PlainTextResponse(text)

    return Starlette(routes=[Route("/now", now), Route("/later", later)])


def client(socket: Path) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(uds=str(socket))
    return httpx.AsyncClient(transport=transport, base_url="http://api", timeout=60)


async def test_connections_wait_for_the_server_that_has_the_sockets_next(tmp_path: Path) -> None:
    arrived, released = asyncio.Event(), asyncio.Event()
    path, port = tmp_path / "api.sock", TcpEndpoint("127.0.0.1", 0, None)
    first = ApiServer(answering("first", arrived, released), path, None, port)
    async with client(path) as unix, httpx.AsyncClient(timeout=60) as tcp:
        async with first:
            url = f"http://127.0.0.1:{first.console_port}/now"
            under_way = asyncio.create_task(unix.get("/later"))
            await arrived.wait()
            ended: list[bool] = []
            first.on_stop(lambda: ended.append(released.is_set()) or released.set())  # type: ignore[func-returns-value]
            kept = await first.keep_listening(60)
            assert ended == [False]
            assert (await under_way).text == "first"
        waiting = [asyncio.create_task(each) for each in (unix.get("/now"), tcp.get(url))]
        await asyncio.sleep(0.05)
        assert not any(each.done() for each in waiting)
        second = ApiServer(answering("second", arrived, released), path, None, port, kept)
        async with second:
            assert second.console_port == first.console_port
            assert [(await each).text for each in waiting] == ["second"] * 2
        assert not path.exists()


async def test_a_socket_at_another_address_is_closed(tmp_path: Path) -> None:
    app = answering("", asyncio.Event(), asyncio.Event())
    first = ApiServer(app, tmp_path / "api.sock", None, TcpEndpoint("127.0.0.1", 0, None))
    async with first:
        kept = await first.keep_listening(60)
    second = ApiServer(app, tmp_path / "api.sock", listening=kept)
    async with second, httpx.AsyncClient() as tcp:
        with pytest.raises(httpx.ConnectError):
            await tcp.get(f"http://127.0.0.1:{first.console_port}/now")


async def test_a_connection_that_was_just_accepted_is_answered(tmp_path: Path) -> None:
    app = answering("first", asyncio.Event(), asyncio.Event())
    async with ApiServer(app, tmp_path / "api.sock") as first:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "api.sock")
        keeping = asyncio.create_task(first.keep_listening(60))
        await asyncio.sleep(0.4)
        writer.write(b"GET /now HTTP/1.1\r\nhost: api\r\nconnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"first")
        writer.close()
        for kept in (await keeping).values():
            kept.close()
