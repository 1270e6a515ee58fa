"""Sticky weights: who keeps their lane when weights change."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.compile.meshes import name, service

from laneway.compile.ir import Share, Target
from laneway.compile.sticky_ranges import PARTS, lay_out

TARGET = Target(service("a"), service("a").ports[0], ())
BASE = "base"


def owners(weights: Sequence[int]) -> list[str]:
    """The lane of each part of the hash."""
    shares = [Share(str(number), weight, TARGET) for number, weight in enumerate(weights)]
    left = PARTS - sum(weights)
    ranges = lay_out(shares, Share(BASE, left, TARGET) if left else None)
    return [share.lane for share in ranges for _ in range(share.weight)]


def parts(weights: Sequence[int], lane: int) -> set[int]:
    return {place for place, owner in enumerate(owners(weights)) if owner == str(lane)}


@st.composite
def weights(draw: st.DrawFn) -> list[int]:
    """Of some lanes, together at most 100, each at least 1."""
    cuts = draw(st.lists(st.integers(0, PARTS), min_size=2, max_size=12, unique=True).map(sorted))
    return [high - low for low, high in pairwise(cuts)]


@given(weights())
def test_each_lane_has_its_weight_and_the_baseline_the_rest(of_lanes: list[int]) -> None:
    found = owners(of_lanes)
    assert len(found) == PARTS
    assert [found.count(str(number)) for number in range(len(of_lanes))] == of_lanes


@given(weights(), st.data())
def test_a_lane_that_grows_loses_nobody(of_lanes: list[int], data: st.DataObject) -> None:
    lane = data.draw(st.integers(0, len(of_lanes) - 1))
    more = data.draw(st.integers(0, PARTS - sum(of_lanes)))
    grown = [weight + (more if number == lane else 0) for number, weight in enumerate(of_lanes)]
    assert parts(of_lanes, lane) <= parts(grown, lane)


@given(st.integers(1, 99), st.data())
def test_of_two_lanes_neither_moves_the_other(first: int, data: st.DataObject) -> None:
    second = data.draw(st.integers(1, PARTS - first))
    alone = data.draw(st.integers(1, first))
    assert parts([first, second], 1) == parts([alone, second], 1)
    assert parts([second, first], 0) == parts([second, alone], 0)


@given(st.lists(st.integers(1, 12), min_size=3, max_size=8), st.data())
def test_of_more_none_moves_another_while_there_is_room_between(
    of_lanes: list[int], data: st.DataObject
) -> None:
    """Eight lanes start from four places: each has an eighth of the hash to itself."""
    lane = data.draw(st.integers(0, len(of_lanes) - 1))
    grown = [data.draw(st.integers(1, 12)) if n == lane else w for n, w in enumerate(of_lanes)]
    for other in set(range(len(of_lanes))) - {lane}:
        assert parts(of_lanes, other) == parts(grown, other)


def test_one_lane_grows_from_the_beginning() -> None:
    shares = lay_out([Share("s2", 10, TARGET)], Share(BASE, 90, TARGET))
    assert [(share.lane, share.weight) for share in shares] == [("s2", 10), (BASE, 90)]
    assert TARGET.service.name == name("a")
