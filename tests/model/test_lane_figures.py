from __future__ import annotations

import pytest

from laneway.model.lane_figures import BUCKETS, LaneFigures, LanePair


def took(*milliseconds: float, errors: int = 0) -> LaneFigures:
    counts = [0] * (len(BUCKETS) + 1)
    for each in milliseconds:
        counts[next((i for i, b in enumerate(BUCKETS) if each <= b), len(BUCKETS))] += 1
    return LaneFigures(tuple(counts), sum(milliseconds), errors)


@pytest.mark.parametrize(
    ("lane", "served", "cause", "fallback"),
    [
        ("s1", "s1", "", False),
        ("s1", "base", "NoHealthyInstance", True),
        ("?", "base", "NoSuchLane", True),
        ("s1", "", "NoHealthyInstance", False),
        ("?", "", "NoSuchLane", False),
    ],
)
def test_a_pair_says_why_another_lane_served(
    lane: str, served: str, cause: str, fallback: bool
) -> None:
    pair = LanePair("default/web", lane, served)
    assert (pair.cause, pair.is_fallback) == (cause, fallback)


def test_what_came_since_is_the_difference() -> None:
    assert took(1, 3, 3, errors=1).since(took(3)) == took(1, 3, errors=1)


@pytest.mark.parametrize("before", [took(7, 7), took(3, 3, 3), took(3, 3, errors=1)])
def test_a_count_that_fell_began_again(before: LaneFigures) -> None:
    assert took(3, 3).since(before) == took(3, 3)


def test_percentiles_lie_within_their_bucket() -> None:
    figures = took(*[4] * 90, *[400] * 10)
    assert 2 < (figures.percentile(0.5) or 0) <= 5
    assert 250 < (figures.percentile(0.99) or 0) <= 500
    assert took(100_000).percentile(0.5) == 60_000
    assert took().percentile(0.5) is None


def test_cumulative_counts_are_in_seconds_and_end_with_all() -> None:
    listed = list(took(2, 3000, 90_000).cumulative())
    assert listed[0] == (0.001, 0)
    assert listed[1] == (0.002, 1)
    assert listed[-1] == (float("inf"), 3)
    assert took(2, 3000).sum == 3.002
