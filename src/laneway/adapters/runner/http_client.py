"""A minimal HTTP/1.1 client: one request, on a new connection.

Probes and Envoy's admin interface need no more, and must not use ``http_proxy``, as HTTP libraries
do.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from laneway.model.placements import Address

_USER_AGENT = "laneway-runner"
_MOST_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


@contextlib.asynccontextmanager
async def connected(
    to: Address | Path,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a TCP address or a Unix socket, closed at the end. Raises ``OSError``."""
    if isinstance(to, Path):
        reader, writer = await asyncio.open_unix_connection(to, limit=_MOST_HEAD)
    else:
        reader, writer = await asyncio.open_connection(to.host, to.port, limit=_MOST_HEAD)
    try:
        if writer.get_extra_info("sockname") == writer.get_extra_info("peername") != "":
            # The kernel may connect an ephemeral port to itself.
            raise ConnectionRefusedError(f"nobody listens at {to}")
        yield reader, writer
    finally:
        writer.transport.abort()


async def exchange(to: Address | Path, method: str, target: str) -> Response:
    """Sends the request and reads the whole response.

    Raises ``OSError`` or ``http.client.HTTPException``. There is no deadline.
    """
    async with connected(to) as (reader, writer):
        writer.write(_request(to, method, target))
        return parsed(await reader.read(-1), method)


async def status_of(to: Address | Path, target: str) -> int:
    """The status of a GET. The body, which may be endless, is not read."""
    async with connected(to) as (reader, writer):
        writer.write(_request(to, "GET", target))
        try:
            line = await reader.readline()
        except ValueError as error:
            raise http.client.LineTooLong("status line") from error
        # The rest of the response's head does not matter.
        return parsed(line + b"\r\n", "GET").status


def _request(to: Address | Path, method: str, target: str) -> bytes:
    host = "localhost" if isinstance(to, Path) else str(to)
    length = "Content-Length: 0\r\n" if method != "GET" else ""
    return (
        f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {_USER_AGENT}\r\n"
        f"Accept: */*\r\n{length}Connection: close\r\n\r\n"
    ).encode()


class _Received:
    """Replaces the socket from which ``http.client`` reads a response."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def parsed(data: bytes, method: str, most: int | None = None) -> Response:
    """At most so many bytes of the body, of which the rest may be missing then.

    Raises ``http.client.HTTPException``.
    """
    response = http.client.HTTPResponse(cast(Any, _Received(data)), method=method)
    with contextlib.closing(response):
        response.begin()
        return Response(response.status, _body(response, most))


def _body(response: http.client.HTTPResponse, most: int | None) -> bytes:
    try:
        return response.read()
    except http.client.IncompleteRead as error:
        if most is None:
            raise
        return error.partial[:most]
