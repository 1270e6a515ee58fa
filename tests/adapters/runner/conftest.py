"""A real Envoy, ports, and a runner with a short memory and short deadlines."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.adapters.runner.event_recorders import Recorder

from laneway.adapters.runner.binary import EnvoyBinary, find_envoy
from laneway.adapters.runner.ports import Ports
from laneway.adapters.runner.restart_policy import Backoff
from laneway.adapters.runner.runner import Runner


@pytest.fixture(scope="session")
def envoy() -> EnvoyBinary:
    return find_envoy()


@pytest.fixture
def astray(tmp_path: Path) -> Iterator[Path]:
    """A file that is no shared memory, and to which a base id in a run directory leads."""
    way = Path("/dev/shm", f"envoy_shared_memory_{os.getpid()}")
    way.mkdir()
    precious = way / "precious0"
    precious.write_text("precious")
    folder = tmp_path / "proxies" / "a"
    folder.mkdir(parents=True)
    (folder / "base-id").write_text(f"{os.getpid()}/precious")
    yield precious
    shutil.rmtree(way)


@pytest.fixture
def ports() -> Iterator[Ports]:
    ports = Ports()
    yield ports
    ports.close()


@pytest.fixture
async def told() -> Recorder:
    return Recorder()


@pytest.fixture
async def runner(told: Recorder, envoy: EnvoyBinary, tmp_path: Path) -> AsyncIterator[Runner]:
    """Restarts soon, and logs outside of its run directory."""
    backoff = Backoff(first=0.01, most=0.02, loop_after=3)
    async with Runner(
        envoy, told, log_dir=tmp_path / "logs", kill_after=2.0, backoff=backoff
    ) as runner:
        yield runner
