"""One request of a user's own to a listener of the mesh, as ``RequestTrial`` sends it.

Where it goes is an address that laneway itself has given out; redirects are not followed. The
request's parts have been checked (``schema.api_requests.SentRequest``): none holds a line break.
"""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Mapping

from laneway.adapters.runner.http_client import Response, connected, parsed
from laneway.model.placements import Address

_DEADLINE = 10.0
#: More of an answer is not read.
_MOST = 256 * 1024


async def send(
    to: Address,
    method: str,
    host: str,
    path: str,
    headers: Mapping[str, str],
    deadline: float = _DEADLINE,
) -> Response:
    """``status`` 0: there was no answer, and the body says why."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {host}",
        *(f"{name}: {value}" for name, value in headers.items()),
        *(["Content-Length: 0"] if method not in ("GET", "HEAD", "OPTIONS") else []),
        "Connection: close",
    ]
    try:
        async with asyncio.timeout(deadline), connected(to) as (reader, writer):
            writer.write("\r\n".join([*lines, "", ""]).encode("ascii"))
            return parsed(await _received(reader), method, most=_MOST)
    except TimeoutError:
        return Response(0, f"no answer in {deadline:g} s".encode())
    except (OSError, http.client.HTTPException) as error:
        return Response(0, f"{type(error).__name__}: {error}".encode())


async def _received(reader: asyncio.StreamReader) -> bytes:
    data = bytearray()
    while len(data) < _MOST and (more := await reader.read(_MOST - len(data))):
        data += more
    return bytes(data)
