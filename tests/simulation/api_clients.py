"""Requests to the API, over a connection that may break before the answer comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message
from tests.simulation.event_loop import NOBODY
from tests.simulation.network import Broken, Latency, Pipe
from tests.simulation.servers import Server

MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
#: Virtual seconds between attempts to connect to a server that listens and accepts nobody yet.
_AGAIN = 0.05
#: The number of pieces of an answer that the network holds.
_ON_THE_WAY = 3


class Unanswered(Exception):
    """Nobody knows what became of the request; ``sent`` is false if certainly nothing did."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("the connection broke" if sent else "nobody listens")
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    document: dict[str, Any]

    @property
    def ok(self) -> bool:
        return self.code < 300


class Exchange:
    """One request, and its answer as it comes. ``pieces`` end with None."""

    def __init__(self, path: str, latency: Latency) -> None:
        self.path = path
        self.pieces = Pipe(latency)
        self.code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.gone = asyncio.Event()
        self.handler: asyncio.Task[None] | None = None

    def cut(self) -> None:
        """The connection is gone, and the server notices it."""
        if not self.code.done():
            self.code.set_exception(Unanswered(sent=True))
            self.code.exception()  # the client may not wait for it any more
        self.pieces.cut()
        self.gone.set()

    async def lines(self) -> AsyncIterator[dict[str, Any]]:
        """Raises ``Unanswered``."""
        try:
            while (piece := await self.pieces.receive()) is not None:
                for line in piece.splitlines():
                    yield json.loads(line)
        except Broken:
            raise Unanswered(sent=True) from None
        finally:
            self.gone.set()


class Connections:
    """``server`` is the one that lives now. ``loses`` says whether an answer is lost."""

    def __init__(
        self,
        server: Callable[[], Server | None],
        latency: Latency,
        loses: Callable[[], bool],
        failed: Callable[[str], None],
    ) -> None:
        self._server = server
        self._latency = latency
        self._loses = loses
        self._failed = failed
        #: What the server that lives now handles, also where nobody waits for the answer any more.
        self._open: dict[Exchange, None] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    async def request(
        self, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> Answer:
        """Raises ``Unanswered``."""
        exchange = await self.open(method, path, body, kind)
        try:
            content = b""
            while (piece := await exchange.pieces.receive()) is not None:
                content += piece
        except Broken:
            raise Unanswered(sent=True) from None
        return Answer(await exchange.code, json.loads(content or b"{}"))

    async def open(
        self, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> Exchange:
        """Returns when the answer has begun. Raises ``Unanswered``."""
        await asyncio.sleep(self._latency())
        while (server := self._server()) is not None and server.is_reloading:
            await asyncio.sleep(_AGAIN)
        if server is None or server.api is None:
            raise Unanswered(sent=False)
        exchange = Exchange(path, self._latency)
        self._open[exchange] = None
        self._idle.clear()
        handling = self._handle(server.api, method, path, body, kind, exchange)
        exchange.handler = server.process.spawn(handling)
        if self._loses():
            loop = asyncio.get_running_loop()
            loop.call_later(self._latency() * 5, exchange.cut, context=NOBODY.copy())
        await exchange.code
        return exchange

    def break_all(self) -> None:
        """The server is gone."""
        for exchange in self._open:
            exchange.cut()
        self._open.clear()
        self._idle.set()

    async def finish(self, seconds: float) -> None:
        """What is not answered by then is cancelled."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            for exchange in tuple(self._open):
                assert exchange.handler is not None
                exchange.handler.cancel()

    def handles(self, path: str) -> bool:
        """Whether the server works on such a request."""
        return any(exchange.path.endswith(path) for exchange in self._open)

    async def all_handled(self) -> None:
        """Returns when the server works on no request: a broken connection ends none."""
        while self._writes_under_way():
            await asyncio.sleep(_AGAIN)

    def _writes_under_way(self) -> bool:
        return any(not exchange.code.done() or exchange.gone.is_set() for exchange in self._open)

    async def _handle(
        self,
        api: ASGIApp,
        method: str,
        path: str,
        body: Any,
        kind: str,
        exchange: Exchange,
    ) -> None:
        path, _, query = path.partition("?")
        content = json.dumps(body).encode() if body is not None else b""
        headers = [
            (b"host", b"localhost"),
            (b"content-type", kind.encode()),
            (b"content-length", str(len(content)).encode()),
        ]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": headers,
            "client": None,
            "server": ("/api.sock", None),
        }
        unread = [content]

        async def receive() -> Message:
            if unread:
                return {"type": "http.request", "body": unread.pop(), "more_body": False}
            await exchange.gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                if not exchange.code.done():
                    exchange.code.set_result(message["status"])
                return
            if message.get("body"):
                exchange.pieces.send(message["body"])
            if not message.get("more_body"):
                exchange.pieces.send(None)
            while exchange.pieces.on_the_way > _ON_THE_WAY and not exchange.gone.is_set():
                await asyncio.sleep(_AGAIN)

        try:
            await api(scope, receive, send)
        except asyncio.CancelledError:
            exchange.cut()
            raise
        except Exception as error:
            self._failed(f"{method} {path} failed: {error!r}")
        finally:
            self._open.pop(exchange, None)
            if not self._open:
                self._idle.set()
