"""Somebody has the console open while the server restarts and others change things."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.adapters.http.servers import LANES, lane, service
from tests.e2e.browser_walks import PATIENCE, SCRIPTS, programs

from laneway.wiring.embedded import Settings
from laneway.wiring.serving import ServeSettings, Serving

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

HOSTILE = '"><img src=x onerror="document.title=1">'
TOKENS = "/apis/api.laneway.dev/v1alpha1/tokens"


@dataclass
class Server:
    """A server that can be stopped, and started again where it was."""

    data: Path
    port: int = 0
    serving: Serving | None = None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> Serving:
        settings = ServeSettings(
            self.data, mesh=Settings(concurrency=1), console=("127.0.0.1", self.port)
        )
        self.serving = await self.stack.enter_async_context(Serving(settings))
        self.port = urlsplit(self.serving.console_address).port or 0
        return self.serving

    async def stop(self) -> None:
        await self.stack.aclose()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.AsyncHTTPTransport(uds=str(self.data / "api.sock"))
        async with httpx.AsyncClient(transport=transport, base_url="http://laneway") as client:
            yield client

    async def revoke(self) -> None:
        """The browser's tokens."""
        async with self.client() as client:
            tokens = (await client.get(TOKENS)).json()["items"]
            for each in tokens:
                if each["spec"]["name"] == "console":
                    await client.delete(f"{TOKENS}/{each['metadata']['name']}")

    async def write_lane(self, header: str, name: str = "s1") -> None:
        rule = {
            "name": "r1",
            "destination": {"service": "mocka"},
            "headers": {"x-user": {"exact": header}},
        }
        wanted = lane(name, ingress=[rule])
        async with self.client() as client:
            answer = await client.patch(
                f"{LANES}/{name}?fieldManager=jack&force=true",
                content=json.dumps(wanted),
                headers={"content-type": "application/apply-patch+yaml"},
            )
            assert answer.is_success, answer.text

    async def delete_lane(self, name: str) -> None:
        async with self.client() as client:
            answer = await client.delete(f"{LANES}/{name}")
            assert answer.is_success, answer.text


async def conduct(process: Process, server: Server) -> dict[str, Any]:
    """Does what the walk asks for, until it prints what it saw."""
    assert process.stdin is not None
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode().strip():
        reply = ""
        match line:
            case "stop":
                await server.stop()
            case "start":
                await server.start()
            case "revoke":
                await server.revoke()
            case "sign in":
                assert server.serving is not None
                reply = server.serving.sign_in_link() + "\n"
            case "lane":
                await server.write_lane(HOSTILE)
            case "other":
                await server.write_lane("theirs")
            case "delete":
                await server.delete_lane("s1")
            case "second lane":
                await server.write_lane("hers", "s0")
            case "one lane":
                await server.delete_lane("s0")
            case _:
                found: dict[str, Any] = json.loads(line)
                return found
        process.stdin.write(f"done\n{reply}".encode())
    raise AssertionError((await process.stderr.read()).decode() if process.stderr else "")


async def test_interruptions_cost_no_input(tmp_path: Path) -> None:
    node, chromium = programs()
    server = Server(tmp_path / "data")
    serving = await server.start()
    try:
        async with server.client() as client:
            path = "/api/v1/namespaces/default/services"
            assert (await client.post(path, json=service("mocka", 80))).status_code == 201
        process = await asyncio.create_subprocess_exec(
            *(node, SCRIPTS / "interruptions.mjs", chromium, serving.sign_in_link()),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                found = await conduct(process, server)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
    finally:
        await server.stop()
    assert not found["errors"], "\n".join(found["errors"])
    assert found["kept"] == ["shop", "shop", "shop", "mine", "mine", "again", ""]
    assert found["shown"] == HOSTILE, "a hostile text is shown as it is"
    assert found["dialogs"] == []
    assert found["title"] == "Create lane group · Lane groups · laneway", "and does nothing"
    assert found["blocked"], "nobody's change is overwritten"
    assert [line.split()[-1] for line in found["both"]] == ["theirs", "mine"]
    assert found["current"] == "theirs"
    assert found["moved"] == 0, "what is said of the connection moves nothing"
    still = {"moved": 0, "clicked": True}
    assert found["pressed"] == [still, still], "a click meets what was pressed"
