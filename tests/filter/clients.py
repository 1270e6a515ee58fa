"""HTTP/1.1 clients for the testbed: one that says what was answered, one that only drives load."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
Headers = Sequence[tuple[str, str | bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]

    @property
    def cluster(self) -> str:
        """The cluster that the outbound side chose."""
        return self.headers["x-cluster"]

    def seen(self, pair: str = "a") -> str:
        """The route header that arrived behind the outbound side; all values when repeated."""
        return self.headers[f"x-seen-{pair}"]


class Connection:
    """A keep-alive connection, for one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, path: str) -> Connection:
        return cls(*await asyncio.open_unix_connection(path))

    async def get(self, headers: Headers) -> Answer:
        self._writer.write(_request(headers))
        head = await self._reader.readuntil(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")[:-2]
        answer: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            answer[name] = value.strip(" ")
        await self._reader.readexactly(int(answer["content-length"]))
        return Answer(int(status.split()[1]), answer)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


def _request(headers: Headers) -> bytes:
    lines = [b"GET / HTTP/1.1", b"host: app"]
    for name, value in headers:
        raw = value if isinstance(value, bytes) else value.encode("latin-1")
        lines.append(name.encode() + b": " + raw)
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def get(path: str, *headers: tuple[str, str | bytes]) -> Answer:
    """One request on a connection of its own."""
    connection = await Connection.open(path)
    try:
        return await connection.get(headers)
    finally:
        await connection.close()


async def each(
    path: str, items: Iterable[T], in_flight: int, headers: Callable[[T], Headers]
) -> list[tuple[T, Answer]]:
    """A request for each item, ``in_flight`` at a time; items and answers as they came."""
    waiting = iter(items)
    answers: list[tuple[T, Answer]] = []

    async def work() -> None:
        connection = await Connection.open(path)
        answers.extend([(item, await connection.get(headers(item))) for item in waiting])
        await connection.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(work())
    return answers


def drive(path: str, requests: Iterable[bytes], connections: int = 64) -> int:
    """As many requests as fast as one thread can, one at a time on each connection.

    Not pipelined: Envoy leaves the third of pipelined requests that it answers by itself waiting.
    """
    sockets = [socket.socket(socket.AF_UNIX) for _ in range(connections)]
    for s in sockets:
        s.connect(path)
    count = 0
    source = iter(requests)
    while sent := list(zip(sockets, source, strict=False)):
        for s, request in sent:
            s.sendall(request)
        for s, _ in sent:
            _receive(s)
        count += len(sent)
    for s in sockets:
        s.close()
    return count


def _receive(s: socket.socket) -> None:
    answer = b""
    while not answer.endswith(b"\r\n\r\nok"):
        data = s.recv(4096)
        if not data:
            raise ConnectionError("the proxy closed the connection")
        answer += data
