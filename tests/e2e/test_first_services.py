"""The page about a user's own services, followed word for word in an empty folder."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx
import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
pytestmark = pytest.mark.envoy


@pytest.mark.parametrize("page", ["own-services.md", "own-services.zh-CN.md"])
async def test_the_page_leads_from_nothing_to_two_lanes(tmp_path: Path, page: str) -> None:
    text = (ROOT / "docs/how-to" / page).read_text(encoding="utf-8")
    for name, content in re.findall(r"```python\n# (\S+)\n(.*?)```", text, re.DOTALL):
        (tmp_path / name).write_text(content)
    block = next(each for each in re.findall(r"```console\n(.*?)```", text, re.DOTALL))
    shown = [each.split("\n") for each in block.removeprefix("$ ").split("\n$ ")]
    init, up, *requests = [lines[0] for lines in shown]
    answers = [lines[1] for lines in shown[2:]]
    assert len(shown) <= 5
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    written = await asyncio.create_subprocess_shell(
        init.replace("--port 18080", "--port 0"), cwd=tmp_path, env=environment
    )
    assert await written.wait() == 0
    assert len(list(yaml.safe_load_all((tmp_path / "laneway.yaml").read_text()))) == 6
    running = await asyncio.create_subprocess_exec(
        *shlex.split(up), cwd=tmp_path, env=environment, stdout=PIPE
    )
    try:
        url = await gateway(running)
        async with httpx.AsyncClient(trust_env=False) as client:
            for request, answer in zip(requests, answers, strict=True):
                lane = re.findall("x-lane: ([a-z0-9-]+)", request)
                got = await client.get(url, headers={"x-lane": lane[0]} if lane else {})
                assert got.text == f"{answer}\n"
    finally:
        running.terminate()
        await running.wait()


async def gateway(process: asyncio.subprocess.Process) -> str:
    """The gateway's URL, once everything is up."""
    assert process.stdout is not None
    url = ""
    async with asyncio.timeout(60):
        while line := (await process.stdout.readline()).decode():
            url = next(iter(re.findall(r"shop\s.*(http://[\d.:]+)", line)), url)
            if line.startswith("up:"):
                return url
    raise AssertionError("laneway ended")
