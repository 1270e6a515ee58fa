"""Runs the API on its sockets.

There is always a Unix socket. On request there are also a TCP port with TLS, and a loopback port
without TLS for browsers, which do not know laneway's own CA.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import math
import os
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from laneway.adapters.host.private_files import open_folder
from laneway.adapters.http.connections import ApiConnection

_BACKLOG = 256
#: Seconds that open requests have when the server stops.
_GRACE = 5
#: Seconds for connections that have been accepted: for TLS, and then for their first request.
_HANDSHAKE, _FIRST_REQUEST = 0.2, 1.0


class ServerUnusable(Exception):
    """The API cannot listen at its address. The message is complete for a terminal."""


@dataclass(frozen=True, slots=True)
class TcpEndpoint:
    """``port`` 0 is any free one. Without ``tls``, ``host`` must be a loopback address."""

    host: str
    port: int
    tls: ssl.SSLContext | None


class ApiServer:
    """An async context manager that serves while it is entered. ``port`` and ``console_port`` are
    set from then on.

    ``listening`` are sockets that listen already, by their addresses (see ``keep_listening``).
    Those at other addresses are closed.
    """

    def __init__(
        self,
        app: ASGIApp,
        unix: Path | None,
        tcp: TcpEndpoint | None = None,
        console: TcpEndpoint | None = None,
        listening: Mapping[str, socket.socket] = MappingProxyType({}),
    ) -> None:
        self._app = app
        self._unix = unix
        self._tcp = tcp
        self._console = console
        self._listening = dict(listening)
        self._sockets: dict[str, socket.socket] = {}
        self._servers: list[_Server] = []
        self._running: list[asyncio.Task[None]] = []
        self._ends: list[Callable[[], None]] = []
        self.port = 0
        self.console_port = 0

    async def __aenter__(self) -> Self:
        try:
            if self._unix is not None:
                name = str(self._unix)
                await self._serve(name, self._known(name) or unix_socket(self._unix), None)
            if self._tcp is not None:
                self.port = await self._serve_tcp("API", self._tcp)
            if self._console is not None:
                self.console_port = await self._serve_tcp("console", self._console)
        except BaseException:
            await self._stop()
            raise
        finally:
            for unused in self._listening.values():
                unused.close()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    def close_connections(self) -> None:
        """Each as soon as its request is answered. Clients open new ones."""
        for server in self._servers:
            for connection in tuple(server.server_state.connections):
                connection.shutdown()

    def on_stop(self, end: Callable[[], None]) -> None:
        """Calls ``end`` when it stops, before it waits for requests: it ends streams."""
        self._ends.append(end)

    async def keep_listening(self, seconds: float) -> Mapping[str, socket.socket]:
        """Stops serving, after waiting for the answers to requests for ``seconds``.

        The sockets that are returned, by their addresses, still listen. New connections wait until
        another server has them.
        """
        kept = {address: listening.dup() for address, listening in self._sockets.items()}
        self._unix = None  # so that the file stays
        for server in self._servers:
            for accepting in server.servers:
                accepting.close()
        await self._read_first_requests()
        for server in self._servers:
            server.config.timeout_graceful_shutdown = math.ceil(seconds)
        await self._stop()
        return kept

    async def _read_first_requests(self) -> None:
        """Of the connections that have just been accepted, which would be closed unanswered."""
        await asyncio.sleep(_HANDSHAKE)
        deadline = asyncio.get_running_loop().time() + _FIRST_REQUEST
        while any(
            isinstance(each, ApiConnection) and not each.has_asked
            for server in self._servers
            for each in server.server_state.connections
        ):
            if asyncio.get_running_loop().time() >= deadline:
                return
            await asyncio.sleep(0.01)

    def _known(self, address: str) -> socket.socket | None:
        return self._listening.pop(address, None)

    async def _serve_tcp(self, purpose: str, endpoint: TcpEndpoint) -> int:
        """Returns the port."""
        if endpoint.tls is None and not is_loopback(endpoint.host):
            raise ServerUnusable(
                f"without TLS laneway listens on loopback alone, and {endpoint.host} is not of it"
            )
        name = f"{purpose} {endpoint.host}:{endpoint.port}"
        listening = self._known(name) or tcp_socket(endpoint.host, endpoint.port)
        await self._serve(name, listening, endpoint.tls)
        return int(listening.getsockname()[1])

    async def _serve(
        self, address: str, listening: socket.socket, tls: ssl.SSLContext | None
    ) -> None:
        self._sockets[address] = listening
        config = uvicorn.Config(
            self._app,
            http=ApiConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE,
        )
        config.load()
        config.ssl = tls
        server = _Server(config)
        # Not `serve`, which installs signal handlers for the whole process.
        task = asyncio.create_task(server._serve([listening]))
        self._servers.append(server)
        self._running.append(task)
        while not server.started:
            await asyncio.sleep(0.005)
            if task.done():
                task.result()
                raise ServerUnusable("the API could not be served")

    async def _stop(self) -> None:
        while self._ends:
            self._ends.pop()()
        for server in self._servers:
            server.end()
        await asyncio.gather(*self._running)
        for listening in self._sockets.values():
            listening.close()
        self._servers, self._running, self._sockets = [], [], {}
        if self._unix is not None:
            self._unix.unlink(missing_ok=True)


class _Server(uvicorn.Server):
    """Ticks once a second, which the date of responses needs; Uvicorn does ten times."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._ending.wait()


def is_loopback(host: str) -> bool:
    """Host names do not count, because they may resolve to other addresses; ``localhost`` does."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def unix_socket(path: Path) -> socket.socket:
    """A socket in a folder that only this user can access. Raises ``ServerUnusable``.

    The caller has the folder's lock, so an existing socket is a stale one.
    """
    try:
        folder = open_folder(path.parent)
    except OSError as error:
        raise ServerUnusable(f"{path}: {error.filename}: {error.strerror}") from error
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        # Through the descriptor, because socket paths must be short.
        mask = os.umask(0o177)
        try:
            listening.bind(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.umask(mask)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ServerUnusable(f"the socket {path} cannot be made: {error.strerror}") from error
    finally:
        os.close(folder)
    return listening


def tcp_socket(host: str, port: int) -> socket.socket:
    """Raises ``ServerUnusable``."""
    try:
        listening = socket.create_server(
            (host, port),
            family=socket.AF_INET6 if ":" in host else socket.AF_INET,
            backlog=_BACKLOG,
        )
        # Connections inherit it. Without it, the second part of an answer would wait 40 ms for the
        # client's delayed acknowledgement of the first. asyncio sets it only on sockets that were
        # created with the protocol's number.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        message = f"the API cannot listen on {host}:{port}: {error.strerror}; choose another port"
        raise ServerUnusable(message) from error
