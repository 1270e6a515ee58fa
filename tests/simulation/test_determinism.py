"""A seed is all that a simulation depends on, so that a failure can be seen again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.simulation.worlds import World

pytestmark = pytest.mark.slow

_PRINT = "from tests.simulation.worlds import World; w = World({}); w.run(); print(w.trace.digest)"


def digest(seed: int) -> str:
    world = World(seed)
    world.run()
    return world.trace.digest


def test_a_seed_gives_the_same_trace_again_and_another_seed_another() -> None:
    assert digest(1) == digest(1)
    assert digest(1) != digest(2)


@pytest.mark.parametrize("hashes", ["1", "2"])
def test_nothing_depends_on_the_order_of_hashes(hashes: str) -> None:
    """Another process has other hashes, other addresses, and another wall clock."""
    printed = subprocess.run(
        [sys.executable, "-c", _PRINT.format(1)],
        env={**os.environ, "PYTHONHASHSEED": hashes},
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.strip() == digest(1)
