"""Requests to the API, over a connection that may break before the answer comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message
from tests.simulation.event_loop import NOBODY
from tests.simulation.network import Latency
from tests.simulation.servers import Server

MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"


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
        self._open: list[asyncio.Future[Answer]] = []
        #: What the server that lives now handles, also where nobody waits for the answer any more.
        self._handled: set[asyncio.Future[Answer]] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def request(
        self, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> Answer:
        """Raises ``Unanswered``."""
        await asyncio.sleep(self._latency())
        server = self._server()
        if server is None or server.api is None:
            raise Unanswered(sent=False)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._open.append(answer)
        self._handled.add(answer)
        self._idle.clear()
        server.process.spawn(self._handle(server.api, method, path, body, kind, answer))
        if self._loses():
            loop.call_later(self._latency() * 5, _break, answer, context=NOBODY.copy())
        try:
            return await answer
        finally:
            self._open.remove(answer)
            await asyncio.sleep(self._latency())

    def break_all(self) -> None:
        """The server is gone."""
        for answer in self._open:
            _break(answer)
        self._handled.clear()
        self._idle.set()

    async def all_handled(self) -> None:
        """Returns when the server works on no request: a broken connection ends none."""
        await self._idle.wait()

    async def _handle(
        self,
        api: ASGIApp,
        method: str,
        path: str,
        body: Any,
        kind: str,
        answer: asyncio.Future[Answer],
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
        code, content_sent = 0, b""

        async def receive() -> Message:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal code, content_sent
            if message["type"] == "http.response.start":
                code = message["status"]
            else:
                content_sent += message.get("body", b"")

        try:
            await api(scope, receive, send)
        except Exception as error:
            self._failed(f"{method} {path} failed: {error!r}")
        self._handled.discard(answer)
        if not self._handled:
            self._idle.set()
        if not answer.done():
            answer.set_result(Answer(code, json.loads(content_sent or b"{}")))


def _break(answer: asyncio.Future[Answer]) -> None:
    if not answer.done():
        answer.set_exception(Unanswered(sent=True))
