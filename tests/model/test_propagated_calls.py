"""Counts of calls add up, and go on where a proxy begins again."""

from __future__ import annotations

from laneway.model.propagated_calls import PropagatedCalls


def test_lost_calls_are_a_share_of_all() -> None:
    calls = PropagatedCalls(6, 3, 1) + PropagatedCalls(10, 0, 0)
    assert (calls.total, calls.lost, calls.lost_share) == (20, 4, 0.2)
    assert PropagatedCalls().lost_share == 0


def test_what_came_since_a_reading() -> None:
    now = PropagatedCalls(6, 3, 1)
    assert now.since(PropagatedCalls(5, 1, 1)) == PropagatedCalls(1, 2, 0)
    assert now.since(PropagatedCalls(9, 1, 1)) == now
