"""``laneway serve --console`` and ``laneway console``, as processes, without a browser."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urldefrag

import httpx
import pytest

from laneway.adapters.http.console_files import ConsoleNotBuilt
from laneway.wiring import serve_settings
from laneway.wiring.console_paths import console_folder
from laneway.wiring.serving import ServeSettings, Serving

pytestmark = pytest.mark.envoy

PATIENCE = 60
LINK = re.compile(r"http://127\.0\.0\.1:\d+/console/#/sign-in/[\w-]{43}")


async def laneway(*arguments: str) -> Process:
    command = (str(Path(sys.executable).with_name("laneway")), *arguments)
    return await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, stderr=PIPE, env={**os.environ, "COLUMNS": "200"}
    )


@asynccontextmanager
async def served(data: Path) -> AsyncIterator[str]:
    """The link that it prints."""
    process = await laneway("serve", "--data-dir", str(data), "--console", "127.0.0.1:0")
    try:
        assert process.stdout is not None
        printed = ""
        async with asyncio.timeout(PATIENCE):
            while not (found := LINK.search(printed)):
                line = await process.stdout.readline()
                assert line, printed
                printed += line.decode()
        yield found[0]
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()


@pytest.mark.skipif(console_folder() is None, reason="the console was not built: `make console`")
async def test_the_links_that_are_printed_sign_in(tmp_path: Path) -> None:
    async with served(tmp_path / "data") as first, httpx.AsyncClient(timeout=30) as client:
        asked = await laneway("console", "--data-dir", str(tmp_path / "data"))
        output, errors = await asked.communicate()
        second = output.decode().strip()
        assert LINK.fullmatch(second), errors
        for link in (first, second):
            page, fragment = urldefrag(link)
            answer = await client.get(page)
            assert (answer.status_code, "csp-nonce" in answer.text) == (200, True)
            code = {"code": fragment.rpartition("/")[2]}
            answer = await client.post(f"{page}sign-in", json=code)
            assert answer.status_code == 201, answer.text


async def test_without_a_built_console_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve_settings, "console_folder", lambda: None)
    settings = ServeSettings(tmp_path / "data", console=("127.0.0.1", 0))
    with pytest.raises(ConsoleNotBuilt, match="make console"):
        async with Serving(settings):
            pass
    assert not (tmp_path / "data").exists()


async def test_a_port_of_the_network_is_refused(tmp_path: Path) -> None:
    process = await laneway("serve", "--data-dir", str(tmp_path), "--console", "0.0.0.0:0")
    async with asyncio.timeout(PATIENCE):
        _, errors = await process.communicate()
    assert process.returncode != 0
    if console_folder() is not None:
        assert "0.0.0.0 is not of it" in " ".join(errors.decode().split())


async def test_a_server_without_a_console_says_how_to_get_one(tmp_path: Path) -> None:
    async with Serving(ServeSettings(tmp_path / "data")):
        asked = await laneway("console", "--data-dir", str(tmp_path / "data"))
        _, errors = await asked.communicate()
    assert asked.returncode == 1
    assert "--console 127.0.0.1:0" in " ".join(errors.decode().split())
