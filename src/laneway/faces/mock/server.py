"""The mock application's server: a thread for every connection."""

from __future__ import annotations

import socket
import sys
import threading
import time
from typing import BinaryIO

from laneway.faces.mock.messages import Headers, closes, is_framed, read_body, read_head
from laneway.faces.mock.settings import Settings
from laneway.faces.mock.upstream import UpstreamConnection

_BACKLOG = 1024
_STOP_TIMEOUT = 5.0
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Server:
    """Listens from the start; serves in ``run`` until ``stop``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        family = socket.AF_INET6 if ":" in settings.bind[0] else socket.AF_INET
        self._listener = socket.create_server(settings.bind, family=family, backlog=_BACKLOG)
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._stopping = False
        self.port: int = self._listener.getsockname()[1]

    def run(self) -> None:
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if not self._stopping:
                    _log(f"cannot accept a connection: {error.strerror}")
                    time.sleep(0.05)
                continue
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._connections[thread] = connection
            thread.start()
        self._drain()

    def stop(self) -> None:
        """Makes ``run`` finish what it is answering, and return. Safe in a signal handler."""
        if not self._stopping:
            self._stopping = True
            self._listener.shutdown(socket.SHUT_RDWR)

    def _drain(self) -> None:
        self._listener.close()
        deadline = time.monotonic() + _STOP_TIMEOUT
        connections = list(self._connections.items())
        for _, connection in connections:
            try:
                connection.shutdown(socket.SHUT_RD)  # What is being answered still can be.
            except OSError:
                continue
        for thread, _ in connections:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _serve(self, connection: socket.socket) -> None:
        upstream = None
        if self._settings.upstream is not None:
            upstream = UpstreamConnection(self._settings.upstream)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection, connection.makefile("rb") as reader:
                try:
                    while self._answer(connection, reader, upstream):
                        pass
                except ValueError as error:
                    _log(f"bad request: {error}")
                    connection.sendall(_BAD_REQUEST)
        except OSError:
            pass  # The caller has closed the connection.
        finally:
            if upstream is not None:
                upstream.close()
            del self._connections[threading.current_thread()]

    def _answer(
        self, connection: socket.socket, reader: BinaryIO, upstream: UpstreamConnection | None
    ) -> bool:
        """Answers one request; whether another may follow."""
        start, headers = read_head(reader)
        if not start:
            return False
        method, path, protocol = start.split(" ")
        if is_framed(headers):
            read_body(reader, headers)
        last = closes(protocol, headers)
        if path.split("?")[0] == "/healthz":
            status, body = 200, b"ok"
        else:
            status, body = self._settings.status, self._body(headers, upstream, connection)
        last = last or self._stopping
        head = (
            f"HTTP/1.1 {status} {'OK' if status == 200 else 'As Asked'}\r\n"
            "content-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\n"
            f"{'connection: close' if last else 'connection: keep-alive'}\r\n\r\n"
        ).encode()
        connection.sendall(head if method == "HEAD" else head + body)
        return not last

    def _body(
        self, headers: Headers, upstream: UpstreamConnection | None, connection: socket.socket
    ) -> bytes:
        settings = self._settings
        if settings.delay:
            time.sleep(settings.delay)
        ip = connection.getsockname()[0]
        own = f"-> {settings.app}(version: {settings.version}, ip: {ip})".encode()
        if upstream is None:
            return own
        try:
            status, answer = upstream.get([pair for pair in headers if pair[0] == settings.header])
        except (OSError, ValueError) as error:
            _log(f"upstream: {error}")
            return own
        if status != 200:
            _log(f"upstream: status {status}: {answer[:200].decode(errors='replace')}")
        return own + answer


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
