from __future__ import annotations

import resource

import pytest

from laneway.adapters.runner.descriptors import most_connections


@pytest.mark.parametrize(
    ("descriptors", "connections"),
    [(1024, 412), (20_000, 9_900), (1_000_000, 50_000), (resource.RLIM_INFINITY, 50_000), (64, 1)],
)
def test_every_connection_in_may_need_one_out(descriptors: int, connections: int) -> None:
    assert most_connections(descriptors) == connections
