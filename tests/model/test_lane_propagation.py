"""Who is said to lose the header, from what evidence, and who is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compile.meshes import group, lane, mesh, name, service

from laneway.model.lane_propagation import (
    CERTAIN_SHARE,
    FEWEST,
    SUSPECTED_SHARE,
    Certainty,
    WorkloadPropagation,
    lane_propagation,
)
from laneway.model.meshes import Mesh
from laneway.model.propagated_calls import PropagatedCalls

SHOP = mesh(
    [group("a b")],
    [lane("s1", "a b"), lane("s2", "a"), lane("s3", "b", fallback=("s2",))],
    [service("a"), service("b"), service("c")],
)


def of(workload: str, calls: PropagatedCalls, shop: Mesh = SHOP) -> WorkloadPropagation:
    (found,) = lane_propagation(shop, {(name(workload), "test"): calls})
    return found


LOST = PropagatedCalls(0, 50, 0)


def test_of_a_lane_that_answers_for_itself_alone_it_is_certain() -> None:
    found = of("b-v-s3", LOST)
    assert (found.certainty, found.lane, found.services) == (
        Certainty.CERTAIN,
        "s3",
        (name("b"),),
    )


@pytest.mark.parametrize(
    ("workload", "shop"),
    [
        ("b-v-s1", SHOP),  # the baseline's
        ("a-v-s2", SHOP),  # s3 falls back to s2
        ("b-v-none", SHOP),  # in no lane
        # of two lanes
        ("b-v-s3", replace(SHOP, lanes=(*SHOP.lanes, replace(SHOP.lanes[2], name="s4")))),
        # its service's own baseline
        (
            "b-v-s3",
            replace(SHOP, groups=(replace(SHOP.groups[0], service_baselines={name("b"): "s3"}),)),
        ),
    ],
)
def test_of_one_that_answers_for_others_it_is_suspected(workload: str, shop: Mesh) -> None:
    found = of(workload, LOST, shop)
    assert (found.certainty, found.lane) == (Certainty.SUSPECTED, "")


def test_a_lane_of_other_services_does_not_make_a_workload_its_own() -> None:
    """Lane s2 selects b-v-s2, and has no version of b."""
    assert of("b-v-s2", LOST).lane == ""


@pytest.mark.parametrize(
    ("calls", "certain", "suspected"),
    [
        (PropagatedCalls(1000), False, False),
        (PropagatedCalls(0, FEWEST - 1), False, False),
        (PropagatedCalls(0, FEWEST), True, True),
        (PropagatedCalls(0, 0, FEWEST), True, True),
        (PropagatedCalls(81, 19), True, False),
        (PropagatedCalls(80, 10, 10), True, True),
        (PropagatedCalls(992, 8), False, False),
        (PropagatedCalls(990, 10), True, False),
    ],
)
def test_a_few_calls_on_its_own_behalf_are_no_evidence(
    calls: PropagatedCalls, certain: bool, suspected: bool
) -> None:
    assert (of("b-v-s3", calls).certainty is not None) is certain
    assert (of("b-v-s1", calls).certainty is not None) is suspected


def test_what_says_nothing_and_what_is_not_of_the_mesh_any_more_is_left_out() -> None:
    assert lane_propagation(SHOP, {(name("a-v-s2"), "test"): PropagatedCalls()}) == ()
    gone = {(name("gone"), "test"): LOST, (name("a-v-s2"), "gone"): LOST}
    assert lane_propagation(SHOP, {**gone, (name("c-v-s1"), "test"): LOST}) == ()


def test_the_certain_come_first_then_those_that_lose_most() -> None:
    calls = {
        (name("a-v-s1"), "test"): PropagatedCalls(9),
        (name("b-v-s1"), "test"): PropagatedCalls(0, 90),
        (name("a-v-s2"), "test"): PropagatedCalls(0, 99),
        (name("b-v-s3"), "test"): PropagatedCalls(0, 9),
    }
    ordered = [each.workload.name for each in lane_propagation(SHOP, calls)]
    assert ordered == ["b-v-s3", "a-v-s2", "b-v-s1", "a-v-s1"]


_counts = st.builds(PropagatedCalls, *[st.integers(0, 10_000)] * 3).filter(lambda c: c.total)


@given(calls=_counts, more=st.integers(0, 1000))
def test_more_lost_calls_never_make_it_less_certain(calls: PropagatedCalls, more: int) -> None:
    worse = calls + PropagatedCalls(0, more, 0)
    for workload in ("b-v-s1", "b-v-s3"):
        if of(workload, calls).certainty is not None:
            assert of(workload, worse).certainty is of(workload, calls).certainty


@given(calls=_counts)
def test_a_suspicion_is_of_a_share(calls: PropagatedCalls) -> None:
    for workload, least in (("b-v-s1", SUSPECTED_SHARE), ("b-v-s3", CERTAIN_SHARE)):
        expected = calls.lost >= FEWEST and calls.lost >= least * calls.total
        assert (of(workload, calls).certainty is not None) is expected
