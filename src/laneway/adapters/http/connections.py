"""Rules for connections to the API: who may connect, and the time limit for sending a request."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Seconds from the first byte of a request to its last header.
PATIENCE = 10.0
#: The key of a request's scope for the client's certificate, as ``SSLSocket.getpeercert`` gives it.
#: Absent if the client showed none.
PEER_CERTIFICATE = "laneway.peer_certificate"


class ApiConnection(H11Protocol):
    """Uvicorn's protocol with three more rules.

    On a Unix socket, only root and the user that laneway runs as are answered. A client that takes
    too long to send its headers is disconnected. Applications learn a client's certificate.
    """

    _deadline: asyncio.TimerHandle | None = None

    @property
    def has_asked(self) -> bool:
        """Whether its first request has been read."""
        return self.cycle is not None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        peer = peer_user(transport.get_extra_info("socket"))
        if peer not in (None, os.geteuid(), 0):
            transport.abort()
            return
        super().connection_made(transport)
        if certificate := transport.get_extra_info("peercert"):
            self._tell(certificate)
        self._expect_request()

    def _tell(self, certificate: dict[str, Any]) -> None:
        app = self.app

        async def told(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, PEER_CERTIFICATE: certificate}, receive, send)

        self.app = told

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._cancel_deadline()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        if hasattr(self, "transport") and self.transport is not None:
            super().connection_lost(exc)

    def _expect_request(self) -> None:
        self._cancel_deadline()
        self._deadline = self.loop.call_later(PATIENCE, self._too_late)

    def _too_late(self) -> None:
        # With pipelining, the next request may have begun while the last one was answered.
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def peer_user(connection: Any) -> int | None:
    """The user id of the peer of a Unix socket, or None for other sockets."""
    if connection is None or connection.family != socket.AF_UNIX:
        return None
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    _, user, _ = struct.unpack("3i", credentials)
    return int(user)
