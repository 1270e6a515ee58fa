"""A disk that is full costs log lines, and not one request."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.clients import load
from tests.e2e.conftest import Run
from tests.e2e.scenarios import EXPECTED, SCENARIOS, gateway_url

from laneway.control import events

pytestmark = pytest.mark.envoy


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A separate file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("a file system can be mounted here by root only, or not at all")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_requests_go_on_where_nothing_can_be_written(small_disk: Path, run: Run) -> None:
    scenario, seen = SCENARIOS[1], list[events.Event]()
    run_dir, log_dir = small_disk / "run", small_disk / "logs"
    settings = {"run_dir": run_dir, "log_dir": log_dir, "access_log": True}
    async with run(scenario.mesh, seen.append, **settings) as embedded:
        with (small_disk / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass
        assert os.statvfs(small_disk).f_bavail == 0
        calls = [scenario.call(lane, number) for lane in EXPECTED for number in range(500)]
        answers = await load(gateway_url(embedded), calls, clients=10)
        counts = Counter((a.call.tag, a.status, a.body) for a in answers)
        assert counts == {(lane, 200, body): 500 for lane, body in EXPECTED.items()}
        assert await embedded.wait_synced() == ()
        ended = [event for event in seen if isinstance(event, events.Exited)]
        assert ended == []
