"""HTTP/2 connections of gRPC clients, in the event loop's own thread.

``h2`` is the protocol; here are its socket, flow control and keepalive, and a task for each call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

import structlog
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError

from laneway.adapters.xds.grpc_calls import (
    Call,
    CallAborted,
    Handler,
    Headers,
    Status,
    trailers,
)

log = structlog.get_logger(__name__)

_BEGIN: Headers = ((b":status", b"200"), (b"content-type", b"application/grpc"))
_PING = b"laneway."


class Http2Connection(asyncio.Protocol):
    """``handlers`` serve calls, by path. ``longest`` are the bytes of a message at most.
    ``keepalive`` are the seconds of silence until the peer is pinged, and then until it is given
    up. ``on_open`` and ``on_close`` are called with the connection."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        longest: int,
        keepalive: tuple[float, float],
        on_open: Callable[[Http2Connection], object],
        on_close: Callable[[Http2Connection], object],
    ) -> None:
        self._handlers = handlers
        self.longest = longest
        self._on_open = on_open
        self._on_close = on_close
        self._keepalive = keepalive
        self._loop = asyncio.get_running_loop()
        self._streams: dict[int, _Stream] = {}
        # Of the headers, only the path and the token matter, and each has its own check.
        self.h2 = H2Connection(
            H2Configuration(client_side=False, header_encoding=None, validate_inbound_headers=False)
        )
        self._can_send = asyncio.Event()
        self.paused = False
        self._heard = self._loop.time()
        self.closed = self._loop.create_future()

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """Those of the open calls."""
        return [stream.task for stream in self._streams.values()]

    def close(self) -> None:
        """Closes the connection when everything is sent. The calls must have ended."""
        if not self._transport.is_closing():
            self.h2.close_connection()
            self.flush()
            self._end()

    def abort(self) -> None:
        """Closes the connection at once."""
        self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.h2.initiate_connection()
        self.flush()
        self._timer = self._loop.call_later(self._keepalive[0], self._ask)
        self._on_open(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._end()
        self._timer.cancel()
        self.closed.set_result(None)
        self._on_close(self)

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        try:
            for event in self.h2.receive_data(data):
                if isinstance(event, ConnectionTerminated):
                    self._end()
                    return
                self._handle(event)
        except ProtocolError as error:
            log.warning("xds_protocol_error", error=str(error))
            self.flush()  # the reason, for the peer
            self._end()
            return
        self.flush()

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self._can_send.set()

    # For the streams

    async def wait_until_it_can_send(self) -> None:
        self._can_send.clear()
        await self._can_send.wait()

    def flush(self) -> None:
        if (data := self.h2.data_to_send()) and not self._transport.is_closing():
            self._transport.write(data)

    def forget(self, stream_id: int) -> None:
        self._streams.pop(stream_id, None)

    def _handle(self, event: Event) -> None:
        if isinstance(event, DataReceived):
            self._receive(event)
        elif isinstance(event, RequestReceived):
            self._begin(event)
        elif isinstance(event, StreamEnded):
            if stream := self._streams.get(event.stream_id):
                stream.call.end()
        elif isinstance(event, StreamReset):
            if stream := self._streams.get(event.stream_id):
                stream.break_off()
        elif isinstance(event, (WindowUpdated, RemoteSettingsChanged)):
            self._can_send.set()

    def _receive(self, event: DataReceived) -> None:
        assert event.flow_controlled_length is not None
        if stream := self._streams.get(event.stream_id):
            stream.call.receive(event.data or b"")
        self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    def _begin(self, event: RequestReceived) -> None:
        headers = cast(Headers, event.headers)
        path = dict(headers).get(b":path", b"").decode(errors="replace")
        handler = self._handlers.get(path, _unimplemented)
        self._streams[event.stream_id] = _Stream(self, event.stream_id, handler, headers)

    def _end(self) -> None:
        """Closes the connection when what is queued is sent, or the peer has not taken it in
        time."""
        self._timer.cancel()
        self._timer = self._loop.call_later(self._keepalive[1], self._transport.abort)
        for stream in self._streams.values():
            stream.break_off()
        self._transport.close()

    def _ask(self) -> None:
        """Pings a peer that has been silent. One that stays silent is given up."""
        every, patience = self._keepalive
        silent = self._loop.time() - self._heard
        if silent < every:
            self._timer = self._loop.call_later(every - silent, self._ask)
            return
        asked = self._loop.time()
        self.h2.ping(_PING)
        self.flush()
        self._timer = self._loop.call_later(patience, self._give_up_unless_heard_since, asked)

    def _give_up_unless_heard_since(self, asked: float) -> None:
        if self._heard < asked:
            log.warning("proxy_silent", hint="it did not answer a ping")
            self._transport.abort()
        else:
            self._ask()


class _Stream:
    """A call, its task, and what it sends."""

    def __init__(
        self, connection: Http2Connection, stream_id: int, handler: Handler, headers: Headers
    ) -> None:
        self._connection = connection
        self._h2 = connection.h2
        self._id = stream_id
        self._begun = False
        self.call = Call(self, headers, connection.longest)
        self.task = asyncio.create_task(self._serve(handler))
        self.task.add_done_callback(lambda _: connection.forget(stream_id))

    def break_off(self) -> None:
        self.call.broken = True
        self.task.cancel()

    async def send(self, data: bytes) -> None:
        if not self._begun:
            self._begun = True
            self._h2.send_headers(self._id, _BEGIN)
        left = memoryview(data)
        while left:
            room = min(
                self._h2.local_flow_control_window(self._id), self._h2.max_outbound_frame_size
            )
            if room <= 0 or self._connection.paused:
                self.flush()
                await self._connection.wait_until_it_can_send()
                continue
            self._h2.send_data(self._id, left[:room])
            left = left[room:]
            if left:  # so that ``paused`` is true in time
                self.flush()

    def flush(self) -> None:
        self._connection.flush()

    async def _serve(self, handler: Handler) -> None:
        try:
            await handler(self.call)
            self._finish(Status.OK, "")
        except CallAborted as aborted:
            self._finish(aborted.status, aborted.details)
        except Exception:
            log.exception("xds_call_failed")
            self._finish(Status.UNKNOWN, "internal error of laneway")

    def _finish(self, status: Status, details: str) -> None:
        if self.call.broken:
            return
        begin = () if self._begun else _BEGIN
        self._h2.send_headers(self._id, (*begin, *trailers(status, details)), end_stream=True)
        if not self.call.ended:
            self._h2.reset_stream(self._id, ErrorCodes.NO_ERROR)
        self.flush()


async def _unimplemented(call: Call) -> None:
    raise CallAborted(Status.UNIMPLEMENTED, "there is no such method")
