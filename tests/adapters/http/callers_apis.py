"""A cluster's API server as the console's port sees it, and the console in front of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from laneway.adapters.http.cluster_console import ClusterConsole
from laneway.adapters.http.console_files import ConsoleFiles
from laneway.adapters.http.server import ApiServer, TcpEndpoint
from laneway.apiserver.callers_api import ApiUnreachable, CallersAnswer

#: Of a request: the method and the target.
Asked = tuple[str, str]
TOKEN = {"authorization": "Bearer jills"}
_JSON = {"content-type": "application/json"}


@dataclass
class Answering:
    """What is asked, with everything that goes with it, is in ``asked``. ``answers`` are by
    patterns of ``METHOD target``, the first that matches; a watch answers what is put into
    ``events``, until None. ``allows`` answers reviews of
    the caller's own access."""

    asked: list[tuple[str, str, str, bytes, str]] = field(default_factory=list)
    answers: dict[str, tuple[int, Any, Mapping[str, str]] | Exception] = field(default_factory=dict)
    events: dict[str, asyncio.Queue[bytes | None]] = field(default_factory=dict)
    allows: Callable[[dict[str, str]], bool] | None = None
    wait: Callable[[], Any] | None = None
    open: int = 0

    def answer(self, pattern: str, status: int, document: Any, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[pattern] = (status, document, {**_JSON, **named})

    def of(self, path: str) -> asyncio.Queue[bytes | None]:
        return self.events.setdefault(path, asyncio.Queue())

    @asynccontextmanager
    async def send(
        self,
        token: str,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        content_type: str = "",
        stream: bool = False,
    ) -> AsyncIterator[CallersAnswer]:
        self.asked.append((token, method, target, body, content_type))
        found = self._found(f"{method} {target}")
        if self.allows is not None and target.endswith("/selfsubjectaccessreviews"):
            allowed = self.allows(json.loads(body)["spec"]["resourceAttributes"])
            found = (201, {"status": {"allowed": allowed}}, _JSON)
        if isinstance(found, Exception):
            raise found
        status, document, headers = found
        self.open += 1
        try:
            if stream and status == 200:
                yield CallersAnswer(status, headers, self._watched(target))
            else:
                yield CallersAnswer(status, headers, self._whole(document))
        finally:
            self.open -= 1

    def _found(self, text: str) -> Any:
        for pattern, answer in self.answers.items():
            if re.fullmatch(pattern, text):
                return answer
        return 404, {"message": f"nothing at {text}"}, _JSON

    async def _whole(self, document: Any) -> AsyncIterator[bytes]:
        if self.wait is not None:
            await self.wait()
        if isinstance(document, ApiUnreachable):
            yield b"half"
            raise document
        yield document if isinstance(document, bytes) else json.dumps(document).encode()

    async def _watched(self, target: str) -> AsyncIterator[bytes]:
        events = self.of(target.partition("?")[0])
        while (line := await events.get()) is not None:
            yield line


PAGE = '<meta name="laneway-place" content="__LANEWAY_PLACE__"><script nonce="__CSP_NONCE__">'


def built(folder: Path) -> Path:
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "assets/index-1a2b.js").write_text("console.log(1)")
    return folder


@dataclass
class Shown:
    client: httpx.AsyncClient
    api: Answering
    port: int
    server: ApiServer
    console: ClusterConsole

    async def raw(self, text: str) -> tuple[int, str]:
        """What no HTTP client would send; the status and all of the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(text.encode("latin-1"))
            answer = (await asyncio.wait_for(reader.read(), 30)).decode("latin-1")
        finally:
            writer.close()
        return int(answer.split()[1]), answer


@asynccontextmanager
async def shown(folder: Path, *hosts: str) -> AsyncIterator[Shown]:
    api = Answering()
    console = ClusterConsole(ConsoleFiles(lambda: folder, in_cluster=True), api, hosts)
    plain = TcpEndpoint("127.0.0.1", 0, None)
    async with ApiServer(console.app, None, console=plain) as server:
        server.on_stop(console.events.close)
        port = server.console_port
        base = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=base, timeout=30) as client:
            yield Shown(client, api, port, server, console)
