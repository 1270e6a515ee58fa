"""HTTP/1.1 as applications use it, all the way through: nothing buffered, nothing added or lost."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
from tests.compile.meshes import ROUTE_HEADER
from tests.e2e.chains import chain, outside, pair
from tests.e2e.clients import Call, load
from tests.e2e.conftest import Run
from tests.e2e.scenarios import gateway_url

from laneway.wiring.embedded import Embedded

pytestmark = pytest.mark.envoy

MIB = 1 << 20
BODY = 100 * MIB


class Client:
    """A connection to the gateway, byte for byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, start: str, *headers: str, body: bytes = b"") -> None:
        lines = [start, "host: app", f"{ROUTE_HEADER}: s2", *headers]
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    def send_chunk(self, data: bytes) -> None:
        self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))

    async def head(self) -> tuple[int, dict[str, str]]:
        start, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        return int(start.split()[1]), dict(line.split(": ", 1) for line in lines)

    async def chunk(self) -> bytes:
        size = int(await self.reader.readline(), 16)
        return (await self.reader.readexactly(size + 2))[:-2] if size else b""


@asynccontextmanager
async def client(embedded: Embedded) -> AsyncIterator[Client]:
    host, port = gateway_url(embedded).removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=MIB)
    try:
        async with asyncio.timeout(60):
            yield Client(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def served(
    application: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    server = await asyncio.start_server(application, "127.0.0.1", 0)
    try:
        yield "{}:{}".format(*server.sockets[0].getsockname())
    finally:
        server.close()
        await server.wait_closed()


def resident(embedded: Embedded) -> int:
    """Bytes of memory of all Envoys together."""
    pids = (embedded.proxy_pid(node) for node in embedded.control_plane.nodes)
    pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


async def test_one_connection_takes_requests_of_every_kind_in_turn(run: Run) -> None:
    async with run(pair("asgi_application")) as embedded, client(embedded) as c:
        for _ in range(3):
            c.send("GET /bytes/5 HTTP/1.1")
            status, headers = await c.head()
            assert (status, headers["content-length"], headers["x-version"]) == (200, "5", "a-s2")
            assert await c.reader.readexactly(5) == b"xxxxx"
        c.send("HEAD /bytes/5 HTTP/1.1")
        status, headers = await c.head()
        assert (status, headers["content-length"]) == (200, "5")
        for status in (204, 304):
            c.send(f"GET /status/{status} HTTP/1.1")
            assert (await c.head())[0] == status
        c.send("POST /length HTTP/1.1", "content-length: 3", body=b"abc")
        assert (await c.head())[0] == 200
        assert await c.reader.readexactly(1) == b"3"


async def test_chunks_go_both_ways_at_once(run: Run) -> None:
    """Each chunk is answered before the next is sent: no hop waits for more."""
    async with run(pair("asgi_application")) as embedded, client(embedded) as c:
        c.send("POST /echo HTTP/1.1", "transfer-encoding: chunked")
        for number in range(100):
            said = f"chunk {number}".encode()
            c.send_chunk(said)
            if number == 0:
                status, headers = await c.head()
                assert (status, headers["transfer-encoding"]) == (200, "chunked")
            assert await c.chunk() == said
        c.send_chunk(b"")
        assert await c.chunk() == b""


async def test_a_client_that_waits_for_100_gets_the_applications_word(run: Run) -> None:
    async with run(pair("asgi_application")) as embedded, client(embedded) as c:
        c.send("POST /length HTTP/1.1", "content-length: 3", "expect: 100-continue")
        assert (await c.head())[0] == 100
        c.writer.write(b"abc")
        assert (await c.head())[0] == 200
        assert await c.reader.readexactly(1) == b"3"
    async with run(pair("asgi_application")) as embedded, client(embedded) as c:
        c.send("POST /status/413 HTTP/1.1", "content-length: 3", "expect: 100-continue")
        assert (await c.head())[0] == 413


async def test_headers_that_the_gateway_takes_are_taken_by_every_hop(run: Run) -> None:
    async with run(chain("asgi_application", scheme="http://")) as embedded:
        url = gateway_url(embedded)
        for fits, size in ((True, 59_000), (False, 62_000)):
            headers = {ROUTE_HEADER: "s2", "x-trace": "t" * size}
            (answer,) = await load(url, [Call("/hops", headers)])
            assert answer.status == (200 if fits else 431), answer.body
            assert answer.body.count("t" * size) == (3 if fits else 0)
        many = {f"x-{number}": "1" for number in range(95)}
        (answer,) = await load(url, [Call("/hops", many)])
        assert answer.status == 200


async def test_http_1_0(run: Run) -> None:
    """Still the default of nginx and ApacheBench."""
    async with run(pair("asgi_application")) as embedded, client(embedded) as c:
        c.send("GET /bytes/5 HTTP/1.0")
        assert (await c.head())[0] == 200
        assert await c.reader.read() == b"xxxxx"  # the end of the connection ends the answer


async def test_trailers_both_ways(run: Run) -> None:
    received: list[bytes] = []

    async def application(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # the readiness probe's connection
            await reader.readuntil(b"\r\n\r\n")
            received.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            writer.write(b"2\r\nok\r\n0\r\nx-sum: 2\r\n\r\n")
        writer.close()

    async with (
        served(application) as address,
        run(outside(address, address)) as embedded,
        client(embedded) as c,
    ):
        c.send("POST / HTTP/1.1", "transfer-encoding: chunked", "te: trailers")
        c.writer.write(b"2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n")
        assert (await c.head())[0] == 200
        assert await c.chunk() == b"ok"
        assert await c.chunk() == b""
        assert await c.reader.readuntil(b"\r\n\r\n") == b"x-sum: 2\r\n\r\n"
    assert received == [b"2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n"]


async def test_bodies_of_100_mib_are_streamed_and_not_kept(run: Run) -> None:
    async with run(pair("asgi_application")) as embedded, client(embedded) as c:
        before = peak = resident(embedded)
        block = os.urandom(MIB)

        async def upload() -> None:
            for _ in range(BODY // MIB):
                c.writer.write(block)
                await c.writer.drain()

        async def watch() -> None:
            nonlocal peak
            while True:
                peak = max(peak, resident(embedded))
                await asyncio.sleep(0.01)

        watching = asyncio.create_task(watch())
        c.send("POST /length HTTP/1.1", f"content-length: {BODY}")
        await upload()
        assert (await c.head())[0] == 200
        assert await c.reader.readexactly(len(str(BODY))) == str(BODY).encode()
        c.send(f"GET /bytes/{BODY} HTTP/1.1")
        assert (await c.head())[0] == 200
        left = BODY
        while left:  # slowly at first: what nobody reads must wait at the application
            left -= len(await c.reader.read(MIB))
            if BODY - left < 3 * MIB:
                await asyncio.sleep(0.1)
        watching.cancel()
        print(f"resident: {before / MIB:.1f} MiB, at most +{(peak - before) / MIB:.1f}")
        assert peak - before < 30 * MIB


async def _swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An application that reads a whole body and answers ``ok``."""
    with suppress(asyncio.IncompleteReadError):  # the readiness probe's connection
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        left = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        while left and (got := len(await reader.read(MIB))):
            left -= got
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
    writer.close()


async def _upload(embedded: Embedded, size: int) -> int:
    """The status. An answer may come before the whole body is sent."""

    async def send(c: Client) -> None:
        with suppress(OSError):
            for _ in range(0, size, MIB):
                c.writer.write(bytes(min(MIB, size)))
                await c.writer.drain()

    async with client(embedded) as c:
        c.send("POST / HTTP/1.1", f"content-length: {size}")
        sending = asyncio.create_task(send(c))
        try:
            return (await c.head())[0]
        finally:
            sending.cancel()


@pytest.mark.parametrize("size", [0, 100_000, MIB // 2, BODY])
async def test_an_upload_that_meets_a_dead_instance_first_falls_back(run: Run, size: int) -> None:
    """Up to 1 MiB, which a proxy keeps of it. What is larger cannot be sent again: that one request
    is refused, in words, and the next goes elsewhere. (507 is Envoy's word when the body outgrows
    what it keeps just before it tries again.)"""
    async with AsyncExitStack() as stack:
        baseline = await stack.enter_async_context(served(_swallow))
        async with served(_swallow) as dying:
            embedded = await stack.enter_async_context(run(outside(baseline, dying)))
        statuses = [await _upload(embedded, size) for _ in range(3)]
    assert statuses[0] in ({200} if size <= MIB else {200, 503, 507})
    assert statuses[1:] == [200, 200]
