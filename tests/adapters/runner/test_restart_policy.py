from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laneway.adapters.runner.restart_policy import Backoff, History, Restart

EXACT = Backoff(jitter=0.0)


def test_the_delay_doubles_up_to_the_most() -> None:
    history = History(EXACT)
    delays = [history.ended(now=float(i), chance=0.5).delay for i in range(8)]
    assert delays == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0])


@given(attempt=st.integers(1, 10**6), chance=st.floats(0.0, 1.0))
def test_the_delay_stays_within_its_bounds(attempt: int, chance: float) -> None:
    delay = Backoff().delay(attempt, chance)
    assert 0.2 * 0.9 <= delay <= 10.0


def test_ten_ready_seconds_begin_anew() -> None:
    history = History(EXACT)
    history.ended(0.0, 0.0)
    history.ended(1.0, 0.0)
    history.became_ready(2.0)
    assert history.ended(12.0, 0.0) == Restart(0.2, attempt=1, loop_begins=False)


def test_less_than_ten_ready_seconds_do_not() -> None:
    history = History(EXACT)
    history.ended(0.0, 0.0)
    history.became_ready(1.0)
    history.became_unready(10.9)
    history.became_ready(11.0)
    assert history.ended(20.9, 0.0).attempt == 2


def test_a_healthy_stretch_counts_though_readiness_was_lost_before_the_end() -> None:
    history = History(EXACT)
    history.ended(0.0, 0.0)
    history.became_ready(1.0)
    history.became_unready(11.0)
    assert history.ended(60.0, 0.0).attempt == 1


def test_a_crash_loop_is_told_once_and_again_after_a_healthy_stretch() -> None:
    history = History(EXACT)
    told = [history.ended(float(i), 0.0).loop_begins for i in range(8)]
    assert told == [False, False, False, False, True, False, False, False]
    history.became_ready(100.0)
    told = [history.ended(200.0 + i, 0.0).loop_begins for i in range(5)]
    assert told == [False, False, False, False, True]
