"""Ctrl-C: what is inside is answered first; a second one waits for nothing."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.e2e.scenarios import EXAMPLES, EXPECTED
from tests.e2e.test_termination import SOAK_APPLICATION, Inside, alive, children

pytestmark = pytest.mark.envoy


@asynccontextmanager
async def up(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """``laneway up`` over the example with slow applications, and its gateway's URL."""
    shutil.copytree(EXAMPLES / "scenario-2", folder)
    lanes, workloads = folder / "lanes.yaml", folder / "workloads.yaml"
    lanes.write_text(lanes.read_text().replace("80=18001", "80=0"))
    slow = f"[{sys.executable}, {SOAK_APPLICATION}]"
    workloads.write_text(workloads.read_text().replace("[laneway-mock]", slow))
    laneway = Path(sys.executable).parent / "laneway"
    process = await asyncio.create_subprocess_exec(
        str(laneway), "up", "-f", str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = ""
    async with asyncio.timeout(120):
        while "Logs are in" not in (line := (await process.stdout.readline()).decode()):
            assert line, "laneway has ended"
            url = next((word for word in line.split() if word.startswith("http://127")), url)
    try:
        yield process, url.removesuffix("/mock")
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_an_interrupt_answers_what_is_inside_first(tmp_path: Path) -> None:
    before = children()
    async with up(tmp_path / "mesh") as (process, url):
        request = await Inside(url, "s2", "mocka", tmp_path).arrived()
        process.send_signal(signal.SIGINT)
        slow = await request.answer()
        assert (slow.status, slow.body) == (200, EXPECTED["s2"])
        assert await process.wait() == 0
    assert children() <= before


async def test_a_second_interrupt_waits_for_nothing(tmp_path: Path) -> None:
    before = children()
    async with up(tmp_path / "mesh") as (process, url):
        request = await Inside(url, "s2", "mocka", tmp_path).arrived()
        process.send_signal(signal.SIGINT)
        await asyncio.sleep(0.5)
        assert process.returncode is None
        started = children() - before
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
        assert (await request.lost()).status != 200
    async with asyncio.timeout(30):
        while any(map(alive, started)):  # noqa: ASYNC110 -- its guard ends them
            await asyncio.sleep(0.05)
