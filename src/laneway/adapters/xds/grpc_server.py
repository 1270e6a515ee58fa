"""A gRPC server for streams of messages on one address.

The xDS server exchanges hundreds of small messages for each change. grpc.aio passes each of them
through several threads, which costs more than everything else in a change. See
docs/decisions/0023-http2-in-the-event-loop.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator, Mapping

from laneway.adapters.xds.grpc_calls import Handler
from laneway.adapters.xds.http2_connections import Http2Connection
from laneway.adapters.xds.sockets import check_free

#: Seconds of silence after which a peer is asked whether it is there, and until it is given up: one
#: that hangs is found within 40 seconds.
KEEPALIVE_S, KEEPALIVE_TIMEOUT_S = 30.0, 10.0

#: Seconds that a connection has for sending what is queued when the server stops.
GRACE_S = 1.0


class GrpcServer:
    """``handlers`` serve calls, by path ("/package.Service/Method"). A handler that is cancelled
    should raise ``CallAborted``, unless the call is ``broken``."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        longest: int,
        keepalive: tuple[float, float] = (KEEPALIVE_S, KEEPALIVE_TIMEOUT_S),
    ) -> None:
        self._handlers = handlers
        self._longest = longest
        self._keepalive = keepalive
        self._server: asyncio.Server | None = None
        self.connections: set[Http2Connection] = set()
        self._stopping = False

    async def start(self, address: str) -> str:
        """Listens on HOST:PORT or unix:/PATH. Returns the address with the real port; raises
        ``OSError`` if it is in use."""
        check_free(address)
        loop = asyncio.get_running_loop()
        if address.startswith("unix:"):
            bound = _bind(address.removeprefix("unix:"))
            self._server = await loop.create_unix_server(
                self._accept, sock=bound, backlog=socket.SOMAXCONN
            )
            return address
        host, _, port = address.rpartition(":")
        self._server = await loop.create_server(
            self._accept, host.strip("[]"), int(port), backlog=socket.SOMAXCONN
        )
        return f"{host}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Cancels all calls, closes the connections and stops listening."""
        if self._server is None:
            return
        self._stopping = True
        self._server.close()
        while tasks := [task for each in self.connections for task in each.tasks]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        closed = [each.closed for each in self.connections]
        for connection in [*self.connections]:
            connection.close()
        if closed:
            await asyncio.wait(closed, timeout=GRACE_S)
        for connection in [*self.connections]:
            connection.abort()
        if closed:
            await asyncio.wait(closed)

    def _accept(self) -> Http2Connection:
        return Http2Connection(
            self._handlers, self._longest, self._keepalive, self._opened, self.connections.discard
        )

    def _opened(self, connection: Http2Connection) -> None:
        if self._stopping:
            connection.abort()
        else:
            self.connections.add(connection)


def _bind(path: str) -> socket.socket:
    """A Unix socket that is accessible to this user only. Replaces one that nobody serves."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    bound = socket.socket(socket.AF_UNIX)
    try:
        with _private():
            bound.bind(path)
    except OSError:
        bound.close()
        raise
    return bound


@contextlib.contextmanager
def _private() -> Iterator[None]:
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
