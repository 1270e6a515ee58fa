"""A gRPC call with a stream of messages in both directions, as its handler sees it.

``http2_connections`` has the frames below it. gRPC precedes each message with its length, and ends
a call with a status in the trailers. Compression is not supported, because no proxy asks for it.
"""

from __future__ import annotations

import asyncio
import enum
import struct
import urllib.parse
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

Headers = Sequence[tuple[bytes, bytes]]
Handler = Callable[["Call"], Awaitable[None]]

#: Whether the message is compressed, and its length.
_PREFIX = struct.Struct(">BL")


class Status(enum.IntEnum):
    """Those of gRPC's status codes that this server sends."""

    OK = 0
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


class CallAborted(Exception):
    """A handler raises it to end its call with this status."""

    def __init__(self, status: Status, details: str) -> None:
        super().__init__(f"{status.name}: {details}")
        self.status = status
        self.details = details


class Http2Stream(Protocol):
    """What a call needs of its HTTP/2 stream."""

    async def send(self, data: bytes) -> None:
        """Waits until the peer's flow control admits all of it. The last part of it may be kept
        back until ``flush``."""
        ...

    def flush(self) -> None: ...


class Call:
    """``metadata`` are the headers of the request, ``longest`` the bytes of a message at most."""

    def __init__(self, stream: Http2Stream, metadata: Headers, longest: int) -> None:
        self.metadata = metadata
        #: Whether the peer or the connection has gone, so that nothing more can be sent.
        self.broken = False
        #: Whether the peer has sent everything.
        self.ended = False
        self._stream = stream
        self._longest = longest
        self._received = bytearray()
        self._messages: list[bytes] = []
        self._failure: CallAborted | None = None
        self._woken = False
        self._reader: asyncio.Future[None] | None = None

    # For the handler

    async def read(self) -> list[bytes] | None:
        """Sends what is written, and waits. The messages that have arrived, none of them after
        ``wake``, or None if the peer sends no more. Raises ``CallAborted`` for what is not a valid
        message."""
        self._stream.flush()
        while not (self._messages or self._woken):
            if self._failure:
                raise self._failure
            if self.ended:
                return None
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        messages, self._messages, self._woken = self._messages, [], False
        return messages

    def wake(self) -> None:
        """Ends a ``read`` that is waiting, or else the next one."""
        self._woken = True
        self._continue()

    async def write(self, message: bytes) -> None:
        """Waits while the peer takes no more. What is written in one go leaves with ``read``."""
        await self._stream.send(_PREFIX.pack(0, len(message)) + message)

    # For the connection

    def receive(self, data: bytes) -> None:
        self._received += data
        while len(self._received) >= _PREFIX.size and not self._failure:
            compressed, length = _PREFIX.unpack_from(self._received)
            if compressed:
                self._failure = CallAborted(Status.UNIMPLEMENTED, "compression is not supported")
            elif length > self._longest:
                text = f"a message of {length} bytes is longer than {self._longest}"
                self._failure = CallAborted(Status.RESOURCE_EXHAUSTED, text)
            elif len(self._received) < _PREFIX.size + length:
                return
            else:
                self._messages.append(bytes(self._received[_PREFIX.size : _PREFIX.size + length]))
                del self._received[: _PREFIX.size + length]
            self._continue()

    def end(self) -> None:
        """The peer has sent everything."""
        self.ended = True
        self._continue()

    def _continue(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def trailers(status: Status, details: str) -> Headers:
    message = urllib.parse.quote(details, safe=" ")
    return ((b"grpc-status", b"%d" % status), (b"grpc-message", message.encode()))
