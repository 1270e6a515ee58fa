"""The mock application's calls to its upstream."""

from __future__ import annotations

import socket
from typing import BinaryIO

from laneway.faces.mock.messages import Headers, closes, is_framed, read_body, read_head
from laneway.faces.mock.settings import Upstream

_TIMEOUT = 15.0


class UpstreamConnection:
    """One kept connection to the upstream. Used by one thread."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._socket: socket.socket | None = None
        self._reader: BinaryIO | None = None

    def get(self, headers: Headers) -> tuple[int, bytes]:
        """The status and body. Raises ``OSError`` or ``ValueError`` if there is no proper answer.

        A kept connection may have been closed meanwhile: then, once, over a new one.
        """
        if self._socket is not None and self._reader is not None:
            try:
                return self._exchange(self._socket, self._reader, headers)
            except TimeoutError:
                self.close()
                raise
            except (OSError, ValueError):
                self.close()
        try:
            self._socket = socket.create_connection(self._upstream.address, _TIMEOUT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._reader = self._socket.makefile("rb")
            return self._exchange(self._socket, self._reader, headers)
        except (OSError, ValueError):
            self.close()
            raise

    def close(self) -> None:
        for part in (self._reader, self._socket):
            if part is not None:
                part.close()
        self._socket = self._reader = None

    def _exchange(
        self, connection: socket.socket, reader: BinaryIO, headers: Headers
    ) -> tuple[int, bytes]:
        lines = [f"GET {self._upstream.target} HTTP/1.1", f"host: {self._upstream.host}"]
        lines += [f"{name}: {value}" for name, value in headers]
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        status = 100
        while status < 200:  # 1xx only announce the answer.
            start, answer = read_head(reader)
            if not start:
                raise ConnectionError("connection closed before the answer")
            status = _status(start)
        ends_by_closing = not is_framed(answer) and status not in (204, 304)
        if ends_by_closing:
            body = reader.read()
        elif status in (204, 304):
            body = b""
        else:
            body = read_body(reader, answer)
        if ends_by_closing or closes(start, answer):
            self.close()
        return status, body


def _status(start: str) -> int:
    protocol, _, rest = start.partition(" ")
    if not protocol.startswith("HTTP/1.") or not rest[:3].isdigit():
        raise ValueError(f"the answer is not HTTP/1.1: {start[:80]!r}")
    return int(rest[:3])
