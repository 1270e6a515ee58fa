"""What the tests on a real cluster share. Without one they are skipped, with the reason."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from tests.cluster.administrators import administrating
from tests.cluster.sandboxes import Sandbox, obstacle, sandbox

from laneway.adapters.kube import credentials


@pytest.fixture(autouse=True)
def _logging() -> None:
    """Tests of commands may have left it to write to a stream that is closed by now."""
    structlog.reset_defaults()


@pytest.fixture(scope="session", autouse=True)
def _cluster() -> None:
    if not (os.environ.get("LANEWAY_TEST_CLUSTER") and os.environ.get("KUBECONFIG")):
        pytest.skip("needs a cluster: set KUBECONFIG and run `make test-cluster`")


@pytest.fixture(scope="session")
def _free() -> dict[str, str]:
    """Asked once: what stands in the way of the tests' own operators."""
    return {}


@pytest.fixture
async def place(tmp_path: Path, _free: dict[str, str]) -> AsyncIterator[Sandbox]:
    if "why" not in _free:
        async with administrating(credentials.find()) as admin:
            _free["why"] = await obstacle(admin)
    if _free["why"]:
        pytest.skip(_free["why"])
    async with sandbox(tmp_path) as made:
        yield made


@pytest.fixture
async def mesh(place: Sandbox) -> Sandbox:
    """With the small mesh declared."""
    await place.declare()
    return place
