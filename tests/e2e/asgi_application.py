"""An HTTP/1.1 and WebSocket application on uvicorn; run as a program.

::

    GET  /hops            this application's version and request headers, then its upstream's
    GET  /bytes/N         N bytes, streamed
    GET  /status/N        an empty answer with that status
    POST /echo            the body, chunk for chunk as it comes
    POST /length          how long the body was
    WS   /                the version, then every message; "close N" closes with that code
    WS   /upstream        as /, by way of the upstream

``UPSTREAM`` is ``http://host:port``; it is called with whatever proxies the environment names.
``x-loses`` names the versions that pass on neither the trace id nor the lane; ``x-renews`` those
that make up a trace id of their own.
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import uvicorn
import websockets

Scope = dict[str, Any]
Receive = Any
Send = Any

VERSION = os.environ.get("VERSION", "")
UPSTREAM = os.environ.get("UPSTREAM")
PASSES_ON = ("x-trace", "x-lane")
CLIENT = httpx.AsyncClient()
_BLOCK = b"x" * 65536


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await (_relay if scope["path"] == "/upstream" else _converse)(scope, receive, send)
    elif scope["type"] == "http":
        await _answer(scope, receive, send)


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    _, what, *rest = scope["path"].split("/")
    if what == "hops":
        await _respond(send, json.dumps(await _hops(scope)).encode())
    elif what == "status":
        await send({"type": "http.response.start", "status": int(rest[0]), "headers": []})
        await send({"type": "http.response.body"})
    elif what == "bytes":
        await _stream(send, int(rest[0]))
    elif what == "length":
        length = sum([len(part) async for part in _body(receive)])
        await _respond(send, str(length).encode())
    else:
        await send({"type": "http.response.start", "status": 200, "headers": _version()})
        async for part in _body(receive):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})


async def _hops(scope: Scope) -> list[dict[str, Any]]:
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    hops: list[dict[str, Any]] = [{"version": VERSION, "headers": headers}]
    if UPSTREAM:
        passed_on = {name: headers[name] for name in PASSES_ON if name in headers}
        if VERSION in headers.get("x-loses", "").split():
            passed_on = {}
        elif VERSION in headers.get("x-renews", "").split():
            passed_on = {"x-trace": str(uuid.uuid4())}
        passed_on |= {name: headers[name] for name in ("x-loses", "x-renews") if name in headers}
        hops += (await CLIENT.get(f"{UPSTREAM}/hops", headers=passed_on)).json()
    return hops


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def _stream(send: Send, length: int) -> None:
    headers = [*_version(), (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while length > 0:
        block = _BLOCK[:length]
        length -= len(block)
        await send({"type": "http.response.body", "body": block, "more_body": length > 0})


async def _respond(send: Send, body: bytes) -> None:
    headers = [*_version(), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _version() -> list[tuple[bytes, bytes]]:
    return [(b"x-version", VERSION.encode())]


async def _converse(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": VERSION})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text and text.startswith("close "):
            code = int(text.split()[1])
            await send({"type": "websocket.close", "code": code, "reason": "as asked"})
            return
        await send({"type": "websocket.send", "text": text, "bytes": message.get("bytes")})


async def _relay(scope: Scope, receive: Receive, send: Send) -> None:
    """Its own version, then what the upstream says and is told."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": VERSION})
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    passed_on = {name: headers[name] for name in PASSES_ON if name in headers}
    url = f"{(UPSTREAM or '').replace('http:', 'ws:')}/"
    async with websockets.connect(url, additional_headers=passed_on) as upstream:

        async def back() -> None:
            async for said in upstream:
                await send({"type": "websocket.send", "text": said})

        task = asyncio.create_task(back())
        while (message := await receive())["type"] == "websocket.receive":
            await upstream.send(message["text"])
        task.cancel()


if __name__ == "__main__":
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        log_level="warning",
        h11_max_incomplete_event_size=1 << 20,
    )
