"""An application that is hard to change under load: slow, streaming, and without a SIGTERM handler.

It answers as the article's mock does and is set by the same environment, but sends its own line at
once and the rest when it is through: after the wait that the request asks of it (``x-wait:
mockb=1.5``, or a file instead of seconds: see ``wait``), and after its upstream, whose answer it
passes on piece by piece. SIGTERM ends it on the spot, with all that is inside. An answer that
cannot be completed is broken off.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

WAIT = "x-wait"
_ENV: Mapping[str, str] = os.environ

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, until either side ends it."""
    try:
        while True:
            start, headers = await read_head(reader)
            if start.split()[1] == "/healthz":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            else:
                await answer(writer, headers)
    except (OSError, EOFError):
        pass
    finally:
        writer.transport.abort()


async def answer(writer: asyncio.StreamWriter, headers: Mapping[str, str]) -> None:
    app, version = _ENV["app"], _ENV["version"]
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    write_chunk(writer, f"-> {app}(version: {version}, ip: 127.0.0.1)".encode())
    waiting, _, seconds = headers.get(WAIT, "").partition("=")
    if waiting == app:
        await wait(seconds)
    if upstream := _ENV.get("upstream_url"):
        await pass_on(upstream, headers, writer)
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def wait(what: str) -> None:
    """So many seconds, or until the file exists; ``FILE.inside`` tells that it is waited for."""
    if not what.startswith("/"):
        await asyncio.sleep(float(what))
        return
    Path(what).with_suffix(".inside").touch()
    while not os.access(what, os.F_OK):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def pass_on(url: str, headers: Mapping[str, str], writer: asyncio.StreamWriter) -> None:
    """Call the upstream by way of the proxy, and write its body as it comes."""
    proxy = urlsplit(_ENV["http_proxy"])
    reader, calling = await asyncio.open_connection(proxy.hostname, proxy.port)
    try:
        lines = [f"GET {url} HTTP/1.1", f"host: {urlsplit(url).netloc}", "connection: close"]
        kept = (_ENV["header"], WAIT)
        lines += [f"{name}: {headers[name]}" for name in kept if name in headers]
        calling.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        start, fields = await read_head(reader)
        if (status := start.split()[1]) != "200":
            body = await reader.readexactly(int(fields["content-length"]))
            write_chunk(writer, f" FAILED {status} {body.decode()}".encode())
        elif fields.get("transfer-encoding") == "chunked":
            while size := int(await reader.readline(), 16):
                write_chunk(writer, (await reader.readexactly(size + 2))[:-2])
        else:
            write_chunk(writer, await reader.readexactly(int(fields["content-length"])))
    finally:
        calling.close()


def write_chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(data), data))


async def read_head(reader: asyncio.StreamReader) -> tuple[str, Mapping[str, str]]:
    """The start line, and the headers with names in lower case."""
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return start, {name.lower(): value.strip() for name, _, value in pairs}


async def main() -> None:
    host, _, port = _ENV["bind"].rpartition(":")
    async with await asyncio.start_server(serve, host, int(port), backlog=1024) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
