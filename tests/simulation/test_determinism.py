"""A seed is all that a simulation depends on, so that a failure can be seen again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.simulation.worlds import World

pytestmark = pytest.mark.slow

#: Has objects of other sizes in memory first, so that all others get other addresses.
_PRINT = """
from random import Random
from tests.simulation.worlds import World

sizes = Random({noise})
memory = [bytes(sizes.randrange(16, 3000)) for _ in range(sizes.randrange(1000, 100_000))]
memory = [each for each in memory if sizes.random() < 0.5]
world = World({seed})
world.run()
print(world.trace.digest)
"""


def digest(seed: int) -> str:
    world = World(seed)
    world.run()
    return world.trace.digest


def test_a_seed_gives_the_same_trace_again_and_another_seed_another() -> None:
    assert digest(1) == digest(1)
    assert digest(1) != digest(2)


@pytest.mark.parametrize("noise", [1, 2])
@pytest.mark.parametrize("seed", [1, 56])
def test_nothing_depends_on_the_order_of_hashes(seed: int, noise: int) -> None:
    """Another process has other hashes, other addresses, and another wall clock. Seed 56 cancels
    what waits in a group of tasks, which anyio keeps in a set."""
    printed = subprocess.run(
        [sys.executable, "-c", _PRINT.format(seed=seed, noise=noise)],
        env={**os.environ, "PYTHONHASHSEED": str(noise)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.strip() == digest(seed)
