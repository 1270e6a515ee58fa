"""Totals by lane never fall and count nothing twice, whatever happens to proxies."""

from __future__ import annotations

from tests.model.test_lane_figures import took

from laneway.control.lane_totals import LaneTotals
from laneway.model.lane_figures import LaneFigures, LanePair

S1 = LanePair("default/web", "s1", "s1")
S2 = LanePair("default/web", "s2", "s1")


def requests(totals: LaneTotals, pair: LanePair = S1) -> int:
    return totals.figures.get(pair, LaneFigures()).requests


def test_readings_of_one_process_are_counted_once() -> None:
    totals = LaneTotals()
    for _ in range(3):
        totals.add("a", 1, {S1: took(1, 1)})
    totals.add("a", 1, {S1: took(1, 1, 9, errors=1), S2: took(4)})
    totals.add("b", 2, {S1: took(1)})
    assert (requests(totals), requests(totals, S2)) == (4, 1)
    assert totals.figures[S1].errors == 1


def test_a_process_that_begins_again_adds_what_it_has() -> None:
    totals = LaneTotals()
    totals.add("a", 1, {S1: took(1, 1)})
    totals.add("a", 2, {S1: took(1, 1, 1)})  # more than before, and all of it new
    assert requests(totals) == 5
    totals.add("a", 2, {S1: took(1, 1, 1)})
    assert requests(totals) == 5


def test_statistics_that_envoy_dropped_and_made_again_are_new() -> None:
    totals = LaneTotals()
    totals.add("a", 1, {S1: took(1, 1)})
    totals.add("a", 1, {S1: took(1)})
    assert requests(totals) == 3


def test_a_proxy_that_did_not_answer_is_not_taken_for_a_new_one() -> None:
    totals = LaneTotals()
    totals.add("a", 1, {S1: took(1, 1)})
    totals.keep({"a"}, lambda pair: True)
    totals.add("a", 1, {S1: took(1, 1, 1)})
    assert requests(totals) == 3


def test_lanes_and_proxies_that_are_gone_are_forgotten() -> None:
    totals = LaneTotals()
    totals.add("a", 1, {S1: took(1), S2: took(1)})
    totals.keep((), lambda pair: pair == S1)
    assert set(totals.figures) == {S1}
    assert not totals._last
