"""Commands against an API in memory: a real server and its socket, and no proxies."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.faces.cli.conftest import Cli, Result
from tests.wiring.api_servers import SHOP, Api, api, workload

WORKLOADS = [workload("web", "z", "cart"), workload("web", "s1", "cart")]
WORKLOADS += [workload("cart", "z"), workload("cart", "s1")]


@dataclass
class Asked:
    """``run`` is a command that finds the server by itself."""

    api: Api
    cli: Cli

    async def run(self, *words: object) -> Result:
        return await asyncio.to_thread(self.cli, *words)


@asynccontextmanager
async def asked_server(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    """With the lane group ``shop`` and its lanes ``z``, the baseline, and ``s1``."""
    async with api() as made:
        monkeypatch.setenv("LANEWAY_DATA_DIR", str(made.folder))
        await made.apply(*SHOP, *WORKLOADS, message="all of it")
        yield Asked(made, cli)


@asynccontextmanager
async def asked_cluster(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    """It has no kinds of laneway's own API, and no objects."""
    async with api(own_kinds=False) as made:
        monkeypatch.setenv("LANEWAY_DATA_DIR", str(made.folder))
        yield Asked(made, cli)


@asynccontextmanager
async def without_own_kinds(folder: Path) -> AsyncIterator[None]:
    """Answers as Kubernetes answers a path that it does not serve."""

    def answer(path: str) -> tuple[str, str]:
        if path == "/apis":
            return "200 OK", json.dumps({"groups": [{"name": "laneway.dev"}]})
        return "404 Not Found", "404 page not found\n"

    async with _answering(folder, answer):
        yield


@asynccontextmanager
async def without_rights(folder: Path, *groups: str) -> AsyncIterator[None]:
    """Serves these groups, as Kubernetes does to a user who may see nothing but their names."""

    def answer(path: str) -> tuple[str, str]:
        if path == "/apis":
            return "200 OK", json.dumps({"groups": [{"name": group} for group in groups]})
        status = {"code": 403, "message": f"you may not see {path}", "details": {"kind": "x"}}
        return "403 Forbidden", json.dumps(status)

    async with _answering(folder, answer):
        yield


@asynccontextmanager
async def _answering(
    folder: Path, answer_of: Callable[[str], tuple[str, str]]
) -> AsyncIterator[None]:
    """``answer_of`` a path is the status and the body."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.I)
        await reader.readexactly(int(length[1]) if length else 0)
        status, body = answer_of(head.split()[1].decode())
        text = f"HTTP/1.1 {status}\r\ncontent-length: {len(body.encode())}\r\n\r\n{body}"
        writer.write(text.encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(answer, folder / "api.sock"):
        yield
