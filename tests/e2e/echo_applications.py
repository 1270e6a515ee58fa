"""Small applications in this process: each returns the request that it got, and makes given calls.

A response lists the hops of the request from here on, up to the first call that failed. A dead
application refuses connections, and keeps its port.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from laneway.model.placements import Address

Headers = dict[str, str]
_LATE = b"late"


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response; a header that came more than once is joined by commas. Trailers
    count as headers."""

    start: str
    headers: Headers
    body: bytes = b""

    @property
    def status(self) -> int:
        return int(self.start.split()[1])


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a request to an application leads to: calls to these URLs, with these headers of it."""

    calls: Sequence[str] = ()
    passes_on: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer of an application. Without a status the connection is cut; with 0 it waits.

    ``until``: it answers no earlier than that. ``body_after``: so many seconds after the headers
    it sends the body "late".
    """

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    until: asyncio.Event | None = None
    body_after: float | None = None


@dataclass
class Echo:
    """``ports`` are the workload's, which it listens on at a free port and at their distances.
    ``host`` is its address, one of loopback. ``failures`` are its next answers; ``taken`` is the
    number of requests that it got."""

    name: str
    ports: Sequence[int]
    behaviour: Callable[[], Behaviour]
    proxy: Callable[[], Address]
    host: str = "127.0.0.1"
    failures: list[Failure] = field(default_factory=list)
    taken: int = 0
    _sockets: list[socket.socket] = field(default_factory=list)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        self._sockets = _listening(self.host, self.ports)
        await self._serve()

    @property
    def address(self) -> str:
        host, port = self._sockets[0].getsockname()
        return f"{host}:{port}"

    def die(self) -> None:
        """Refuse connections, and cut those that are open."""
        for server in self._servers:
            server.close()
        for one in self._sockets:
            one.shutdown(socket.SHUT_RDWR)  # it stays bound, so that nobody else gets the port
        for writer in list(self._writers):
            writer.transport.abort()

    async def revive(self) -> None:
        for one in self._sockets:
            one.listen()
        await self._serve()

    def close(self) -> None:
        for server in self._servers:
            server.close()
        for one in self._sockets:
            one.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self) -> None:
        self._servers = [
            await asyncio.start_server(self._connection(port), sock=one.dup())
            for port, one in zip(self.ports, self._sockets, strict=True)
        ]

    def _connection(self, port: int) -> Callable[..., Any]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.add(writer)
            try:
                while True:
                    request = await read_message(reader)
                    self.taken += 1
                    if self.failures:
                        if (failure := self.failures.pop(0)).status is None:
                            writer.transport.abort()
                            return
                        if failure.status == 0:
                            await reader.read()  # until the caller gives up
                            return
                        if failure.until is not None:
                            await failure.until.wait()
                        writer.write(_failed(failure))
                        if failure.body_after is not None:
                            await asyncio.sleep(failure.body_after)
                            writer.write(_LATE)
                        continue
                    writer.write(_response(await self._answer(port, request)))
            except (OSError, EOFError):
                pass
            finally:
                self._writers.discard(writer)
                writer.close()

        return serve

    async def _answer(self, port: int, request: Message) -> Mapping[str, Any]:
        target = request.start.split()[1]
        hop = {"workload": self.name, "port": port, "headers": request.headers, "target": target}
        hops: list[Any] = [hop]
        behaviour = self.behaviour()
        kept = {name: v for name, v in request.headers.items() if name in behaviour.passes_on}
        for url in behaviour.calls:
            response = await exchange(self.proxy(), "GET", url, _host(url), list(kept.items()))
            answer = report(response)
            hops += answer["hops"]
            if answer["failure"]:
                return {"hops": hops, "failure": answer["failure"]}
        return {"hops": hops, "failure": None}


async def exchange(
    address: Address, method: str, target: str, host: str, headers: Sequence[tuple[str, str]]
) -> Message:
    """One request on a connection of its own."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        lines = [f"{method} {target} HTTP/1.1", f"host: {host}", "content-length: 0"]
        lines += [f"{name}: {value}" for name, value in headers]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        return await read_message(reader)
    finally:
        writer.close()


def report(response: Message) -> Mapping[str, Any]:
    """The hops that an application answered with, or the refusal that a proxy did."""
    if response.status == 200:
        answer: Mapping[str, Any] = json.loads(response.body)
        return answer
    refusal = {
        "status": response.status,
        "headers": response.headers,
        "body": response.body.decode("latin-1"),
    }
    return {"hops": [], "failure": refusal}


async def read_message(reader: asyncio.StreamReader) -> Message:
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers: Headers = {}
    for line in filter(None, lines):
        _add(line, headers)
    body = b""
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        while trailer := (await reader.readline()).decode("latin-1").strip():
            _add(trailer, headers)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Message(start, headers, body)


def _add(line: str, headers: Headers) -> None:
    name, _, value = line.partition(":")
    key, text = name.lower(), value.strip()
    headers[key] = f"{headers[key]},{text}" if key in headers else text


def _response(answer: Mapping[str, Any]) -> bytes:
    body = json.dumps(answer).encode()
    return b"HTTP/1.1 200 OK\r\nx-app: echo\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def _failed(failure: Failure) -> bytes:
    length = 0 if failure.body_after is None else len(_LATE)
    lines = [f"HTTP/1.1 {failure.status} Failed", f"content-length: {length}"]
    lines += [f"{name}: {value}" for name, value in failure.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _host(url: str) -> str:
    return url.removeprefix("http://").partition("/")[0]


def _listening(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """At one free port and, for further ports, at the same distances from it."""
    while True:
        with socket.create_server((host, 0)) as free:
            first = free.getsockname()[1]
        sockets: list[socket.socket] = []
        try:
            for port in ports:
                one = socket.socket()
                sockets.append(one)
                # By number, since a port that the system chose is not kept when listening ends.
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                one.bind((host, first + port - ports[0]))
                one.listen()
                one.setblocking(False)
        except (OSError, OverflowError):
            for one in sockets:
                one.close()
            continue
        return sockets
