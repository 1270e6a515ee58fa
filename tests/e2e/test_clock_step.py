"""The wall clock is stepped under ``laneway up`` and all that it started, and nothing notices.

Everything runs on a wall clock that the test steps (``stepping_clock.c``); ``tests/test_clocks.py``
holds laneway's own sources to monotonic clocks, this shows that Envoy, too, and the filter in it,
go by them.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import struct
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.e2e.scenarios import EXAMPLES, SCENARIOS
from tests.e2e.test_demo import LANEWAY
from tests.e2e.traffic import Traffic, outcomes

pytestmark = pytest.mark.envoy

DAY = 24 * 60 * 60
LANE = """
---
apiVersion: laneway.dev/v1alpha1
kind: Lane
metadata: {{name: another-{number}}}
spec: {{group: test, selector: {{ASM_TRAFFIC_TAG: v2}}, services: [mockb]}}
"""


class SteppedClock:
    """A wall clock for other processes, so many seconds from the true one."""

    def __init__(self, folder: Path) -> None:
        self._step = folder / "step"
        self._library = folder / "stepping_clock.so"
        self.step(0)
        source = Path(__file__).with_name("stepping_clock.c")
        flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
        compiler = [sys.executable, "-m", "ziglang", "cc", *flags]
        subprocess.run([*compiler, "-o", str(self._library), str(source)], check=True)

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "STEPPING_CLOCK": str(self._step)}

    def step(self, seconds: int) -> None:
        # In place: the processes have mapped this very file.
        with open(self._step, "r+b" if self._step.exists() else "wb") as file:
            file.write(struct.pack("l", seconds))


class Output:
    """The lines that ``laneway up`` prints, awaited one after the other."""

    def __init__(self, process: Process) -> None:
        assert process.stdout is not None
        self._lines = process.stdout

    async def until(self, pattern: str) -> re.Match[str]:
        async with asyncio.timeout(30):
            while line := (await self._lines.readline()).decode():
                if match := re.search(pattern, line):
                    return match
        raise AssertionError(f"no line has {pattern}")


@asynccontextmanager
async def up(folder: Path, run_dir: Path, clock: SteppedClock) -> AsyncIterator[Output]:
    words = ["up", "-f", str(folder), "--watch", "--access-log", "--run-dir", str(run_dir)]
    environment = {**os.environ, **clock.environment}
    process = await asyncio.create_subprocess_exec(*LANEWAY, *words, stdout=PIPE, env=environment)
    try:
        yield Output(process)
    finally:
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


def hours_off(run_dir: Path) -> set[int]:
    """How far the clocks were from this process's when requests were logged, in whole hours."""
    now = datetime.now(UTC)
    logs = run_dir.glob("proxies/*/access.log")
    times = [json.loads(line)["time"] for log in logs for line in log.read_text().splitlines()]
    return {round((datetime.fromisoformat(time) - now) / timedelta(hours=1)) for time in times}


async def test_a_stepped_clock_costs_nothing(tmp_path: Path) -> None:
    """Forward and back by a day under load; a change after each step is applied at once."""
    folder, run_dir = tmp_path / "files", tmp_path / "run"
    folder.mkdir()
    for path in (EXAMPLES / "scenario-1").iterdir():
        (folder / path.name).write_text(path.read_text().replace("80=18000", "80=0"))
    lanes = folder / "lanes.yaml"
    clock = SteppedClock(tmp_path)
    async with up(folder, run_dir, clock) as output:
        url = (await output.until(r"curl .* (http://127\.0\.0\.1:\d+)/mock"))[1]
        await output.until("Watching")
        traffic = Traffic(url, SCENARIOS[0])
        for number, step in enumerate((DAY, -DAY, 0)):
            await traffic.more(100)
            clock.step(step)
            await traffic.more(100)
            lanes.write_text(lanes.read_text() + LANE.format(number=number))
            await output.until("applied:")
        await traffic.more(100)
        answers = await traffic.stop()
    assert outcomes(answers) == {"right": len(answers)}
    assert hours_off(run_dir) == {0, 24, -24}
    print(f"{len(answers)} requests, none lost, over three steps of the clock")
