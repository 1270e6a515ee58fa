"""A load of HTTP/1.1 requests over keep-alive connections, for tests and benchmarks.

Raw on purpose: no retries, no pooling policy, no connection reuse after an error, so that every
failure that a proxy lets through is seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

#: Seconds after which a request counts as lost. No answer of any test takes nearly as long.
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Call:
    """One GET. ``tag`` is the caller's own, to tell answers apart."""

    path: str = "/mock"
    headers: Mapping[str, str] = field(default_factory=dict)
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` 0 is a failure to get any answer, told in ``body``."""

    call: Call
    status: int
    body: str
    began: float
    ended: float


async def fetch(url: str, call: Call) -> tuple[int, dict[str, str], str]:
    """One call on a connection of its own: status, headers (names in lower case), body."""
    host, _, port = url.removeprefix("http://").partition(":")
    connection = Connection(host, int(port))
    try:
        return await connection.exchange(call)
    finally:
        connection.close()


class Connection:
    """One keep-alive connection; opened when first used, and again after a failure."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, call: Call) -> Answer:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(PATIENCE):
                status, _, body = await self.exchange(call)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            self.close()
            status, body = 0, f"{type(error).__name__}: {error}"
        return Answer(call, status, body, began, clock())

    @property
    def socket(self) -> object:
        """The open one, if any."""
        return self._streams and self._streams[1].get_extra_info("socket")

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None

    async def exchange(self, call: Call) -> tuple[int, dict[str, str], str]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        lines = [f"GET {call.path} HTTP/1.1", f"host: {self._host}:{self._port}"]
        lines += [f"{name}: {value}" for name, value in call.headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in head[1:] if line)
        fields = {name.lower(): value for name, _, value in pairs}
        if fields.get("transfer-encoding") == "chunked":
            body = await self._chunks(reader)
        else:
            body = await reader.readexactly(int(fields["content-length"]))
        if fields.get("connection") == "close":
            self.close()
        return int(head[0].split()[1]), fields, body.decode()

    async def _chunks(self, reader: asyncio.StreamReader) -> bytes:
        body = b""
        while size := int((await reader.readline()).strip(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        return body


async def load(
    url: str,
    calls: Iterable[Call],
    clients: int = 1,
    on_answer: Callable[[Answer], None] | None = None,
    pause: float = 0.0,
) -> list[Answer]:
    """Answer every call, ``clients`` at a time; ``url`` is ``http://host:port``.

    ``pause``: how many seconds a client rests after an answer. Load that lasts until something has
    happened should rest, or it slows down what it waits for, and whatever else the machine does.
    """
    host, _, port = url.removeprefix("http://").partition(":")
    queue: Iterator[Call] = iter(calls)
    answers: list[Answer] = []

    async def client() -> None:
        connection = Connection(host, int(port))
        for call in queue:
            answer = await connection.get(call)
            answers.append(answer)
            if on_answer:
                on_answer(answer)
            if pause:
                await asyncio.sleep(pause)
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return answers
