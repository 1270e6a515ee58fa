"""Whatever fails, what was acknowledged is kept, and proxies and statuses come to agree with it."""

from __future__ import annotations

import pytest
from tests.simulation.worlds import World

pytestmark = pytest.mark.slow

_SEEDS, _IN_ONE_TEST = 60, 20


@pytest.mark.parametrize("first", range(0, _SEEDS, _IN_ONE_TEST), ids=lambda first: f"from-{first}")
def test_the_invariants_hold_for_each_seed(first: int) -> None:
    """``python -m tests.simulation SEED`` prints how a seed comes to its violations."""
    found = {seed: World(seed).run() for seed in range(first, first + _IN_ONE_TEST)}
    violated = {seed: violations for seed, violations in found.items() if violations}
    assert not violated, f"python -m tests.simulation {min(violated)}: {violated}"
