"""The gRPC server below the xDS server, against a bare HTTP/2 client."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import urllib.parse
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    DataReceived,
    Event,
    PingReceived,
    ResponseReceived,
    StreamReset,
    TrailersReceived,
)
from h2.settings import SettingCodes

from laneway.adapters.xds.grpc_calls import Call, CallAborted, Handler, Status
from laneway.adapters.xds.grpc_server import GrpcServer

LONGEST = 200_000


def framed(message: bytes) -> bytes:
    return struct.pack(">BL", 0, len(message)) + message


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """What takes longer is not finished, without an exception."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            yield


class Client:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, window: int
    ) -> None:
        self.reader, self.writer = reader, writer
        self.h2 = H2Connection(H2Configuration(header_encoding=None))
        self.h2.initiate_connection()
        self.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.received: dict[int, bytes] = {}
        self.status: dict[int, tuple[Status, str]] = {}
        self.reset: set[int] = set()
        self.packets: list[int] = []  # pieces of data in each
        self.pings = 0
        self.generous = True  # gives room back for what it received
        self.flush()

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def call(self, path: str) -> int:
        stream_id: int = self.h2.get_next_available_stream_id()
        headers = [(":method", "POST"), (":path", path), (":scheme", "http"), (":authority", "x")]
        self.h2.send_headers(stream_id, headers)
        self.received[stream_id] = b""
        self.flush()
        return stream_id

    def send(self, stream_id: int, data: bytes, *, last: bool = False) -> None:
        self.h2.send_data(stream_id, data, end_stream=last)
        self.flush()

    async def step(self) -> bool:
        """Reads once. Returns whether the connection is open."""
        data = None
        async with within(20):
            data = await self.reader.read(2**20)
        assert data is not None, "the server sends nothing"
        if not data:
            return False
        events: list[Event] = self.h2.receive_data(data)
        self.packets.append(sum(isinstance(each, DataReceived) for each in events))
        for event in events:
            if isinstance(event, DataReceived):
                self.received[event.stream_id] += event.data or b""
                if self.generous and event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, (TrailersReceived, ResponseReceived)):
                self._headers(event.stream_id, dict(event.headers))
            elif isinstance(event, StreamReset):
                self.reset.add(event.stream_id)
            elif isinstance(event, PingReceived):
                self.pings += 1
        self.flush()
        return True

    def _headers(self, stream_id: int, headers: Mapping[Any, Any]) -> None:
        if b"grpc-status" in headers:
            details = urllib.parse.unquote(headers[b"grpc-message"].decode())
            self.status[stream_id] = Status(int(headers[b"grpc-status"])), details

    async def until_received(self, stream_id: int, size: int) -> bytes:
        while len(self.received[stream_id]) < size:
            assert await self.step()
        return self.received[stream_id]

    async def end(self, stream_id: int) -> tuple[Status, str]:
        while stream_id not in self.status:
            assert await self.step()
        return self.status[stream_id]

    async def until_closed(self) -> None:
        while await self.step():
            pass


async def echo(call: Call) -> None:
    while (messages := await call.read()) is not None:
        for message in messages:
            await call.write(message)


async def fail(call: Call) -> None:
    await call.read()
    raise CallAborted(Status.INVALID_ARGUMENT, "100 % schräg\n")


async def crash(call: Call) -> None:
    await call.read()
    raise ZeroDivisionError


HANDLERS: Mapping[str, Handler] = {"/echo": echo, "/fail": fail, "/crash": crash}


@asynccontextmanager
async def serving(
    handlers: Mapping[str, Handler] = HANDLERS, keepalive: tuple[float, float] = (30, 10)
) -> AsyncIterator[tuple[GrpcServer, int]]:
    server = GrpcServer(handlers, LONGEST, keepalive)
    address = await server.start("127.0.0.1:0")
    try:
        yield server, int(address.rpartition(":")[2])
    finally:
        await server.stop()


@asynccontextmanager
async def connected(port: int, window: int = 65_535) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer, window)
    finally:
        writer.transport.abort()


async def test_messages_arrive_whole_and_in_order_however_they_are_cut() -> None:
    messages = [bytes([65 + number]) * size for number, size in enumerate((0, 1, 300, 20_000, 7))]
    stream = b"".join(map(framed, messages))
    for size in (1000, 4096, 16_000):
        async with serving() as (_, port), connected(port) as client:
            echoed = client.call("/echo")
            for start in range(0, len(stream), size):
                client.send(echoed, stream[start : start + size])
                await client.writer.drain()
            assert await client.until_received(echoed, len(stream)) == stream


async def test_what_arrives_together_is_answered_together() -> None:
    async with serving() as (_, port), connected(port) as client:
        echoed = client.call("/echo")
        client.send(echoed, framed(b"first"))
        await client.until_received(echoed, len(framed(b"first")))
        client.packets.clear()
        client.h2.send_data(echoed, framed(b"a"))
        client.h2.send_data(echoed, framed(b"b"))
        client.flush()
        await client.until_received(echoed, len(framed(b"first") + framed(b"a") + framed(b"b")))
        assert [count for count in client.packets if count] == [2]


async def test_a_message_longer_than_the_peers_window_waits_for_it_and_delays_no_other_call() -> (
    None
):
    long = framed(b"x" * 150_000)
    async with serving() as (_, port), connected(port, window=1000) as client:
        client.generous = False
        slow, quick = client.call("/echo"), client.call("/echo")
        for start in range(0, len(long), 16_000):
            client.send(slow, long[start : start + 16_000])
            await asyncio.sleep(0)
            while client.h2.local_flow_control_window(slow) < 16_000:
                await client.step()
        await client.until_received(slow, 1000)
        client.send(quick, framed(b"quick"))
        assert await client.until_received(quick, 10) == framed(b"quick")
        assert len(client.received[slow]) == 1000
        client.generous = True
        client.h2.acknowledge_received_data(1000, slow)
        client.flush()
        assert await client.until_received(slow, len(long)) == long


@pytest.mark.parametrize(
    ("path", "data", "status", "text"),
    [
        ("/nothing", framed(b""), Status.UNIMPLEMENTED, "there is no such method"),
        ("/fail", framed(b""), Status.INVALID_ARGUMENT, "100 % schräg\n"),
        ("/crash", framed(b""), Status.UNKNOWN, "internal error"),
        ("/echo", b"\x01\x00\x00\x00\x01x", Status.UNIMPLEMENTED, "compression"),
        ("/echo", struct.pack(">BL", 0, LONGEST + 1), Status.RESOURCE_EXHAUSTED, "200001 bytes"),
    ],
)
async def test_a_call_that_fails_has_its_status_and_the_connection_stays(
    path: str, data: bytes, status: Status, text: str
) -> None:
    async with serving() as (_, port), connected(port) as client:
        failing = client.call(path)
        client.send(failing, data)
        code, message = await client.end(failing)
        assert code is status
        assert text in message
        echoed = client.call("/echo")
        client.send(echoed, framed(b"still there"), last=True)
        assert await client.end(echoed) == (Status.OK, "")
        assert client.received[echoed] == framed(b"still there")
        assert client.reset == {failing}  # so that it sends no more


async def test_what_is_not_http2_ends_its_connection_alone() -> None:
    async with serving() as (_, port), connected(port) as client:
        for garbage in (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"\x00" * 100):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(garbage)
            async with asyncio.timeout(30):
                while await reader.read(1000):
                    pass
            writer.close()
        echoed = client.call("/echo")
        client.send(echoed, framed(b"x"), last=True)
        assert await client.end(echoed) == (Status.OK, "")


@pytest.mark.parametrize("how", ["reset", "goaway", "abort"])
async def test_a_peer_that_leaves_cancels_its_call(how: str) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(call: Call) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert call.broken
            cancelled.set()
            raise

    async with serving({"/wait": wait}) as (_, port), connected(port) as client:
        waiting = client.call("/wait")
        await begun.wait()
        if how == "reset":
            client.h2.reset_stream(waiting)
        elif how == "goaway":
            client.h2.close_connection()
        else:
            client.writer.transport.abort()
        client.flush()
        async with within(20):
            await cancelled.wait()
        assert cancelled.is_set()


async def test_a_silent_peer_is_given_up_and_one_that_answers_pings_is_not() -> None:
    async with serving(keepalive=(0.02, 0.02)) as (_, port), connected(port) as silent:
        ended = False
        async with within(20):
            while await silent.reader.read(1000):  # pings, and answers none
                pass
            ended = True
        assert ended
    async with serving(keepalive=(0.02, 0.5)) as (_, port), connected(port) as alive:
        while alive.pings < 2:
            assert await alive.step()  # answers
        echoed = alive.call("/echo")
        alive.send(echoed, framed(b"x"))
        assert await alive.until_received(echoed, 6) == framed(b"x")


@asynccontextmanager
async def unread(keepalive: tuple[float, float]) -> AsyncIterator[tuple[GrpcServer, Client]]:
    """The server writes to a client that reads nothing, and waits."""
    begun = asyncio.Event()

    async def flood(call: Call) -> None:
        while True:
            await call.write(b"x" * LONGEST)
            begun.set()

    most = 2**31 - 1
    async with (
        serving({"/flood": flood}, keepalive=keepalive) as (server, port),
        connected(port, most) as client,
    ):
        client.h2.increment_flow_control_window(most - 65_535)
        client.call("/flood")
        await begun.wait()
        yield server, client


async def test_a_peer_that_breaks_the_protocol_and_reads_nothing_is_cut_off() -> None:
    async with unread(keepalive=(30, 0.05)) as (server, client):
        (connection,) = server.connections
        client.writer.write(bytes(9))  # data of no stream
        async with within(20):
            await asyncio.shield(connection.closed)
        assert connection.closed.done()


async def test_stopping_does_not_wait_for_a_peer_that_reads_nothing() -> None:
    async with unread(keepalive=(30, 10)) as (server, _):
        async with asyncio.timeout(30):
            await server.stop()
        assert not server.connections


async def test_a_call_that_has_not_begun_does_not_keep_the_server_from_stopping() -> None:
    async with serving() as (server, port), connected(port) as client:
        client.call("/echo")
        await client.step()  # the server's settings; the call arrives with what acknowledges them
        (connection,) = server.connections
        connection.data_received(client.h2.data_to_send())
        async with asyncio.timeout(30):
            await server.stop()
