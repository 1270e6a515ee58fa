"""Counted calls go on whatever happens to proxies; evidence is recent, and of those that run."""

from __future__ import annotations

from laneway.compile.envoy.names import sidecar_node
from laneway.control.call_totals import WINDOW, CallTotals
from laneway.model.names import ObjectName
from laneway.model.propagated_calls import PropagatedCalls

CART = ObjectName("default", "cart-v2")
NODE, NEXT = sidecar_node(CART), sidecar_node(CART, 2)
KEY = (CART, "shop")


def lost(number: int) -> dict[str, PropagatedCalls]:
    return {"shop": PropagatedCalls(without_header=number)}


class Counting:
    def __init__(self) -> None:
        self.totals = CallTotals(100.0)

    def at(self, now: float) -> tuple[int, int]:
        """Lost calls: in total, and lately."""
        counted = self.totals.counted(now)
        none = PropagatedCalls()
        return counted.totals.get(KEY, none).lost, counted.recent.get(KEY, none).lost


def test_readings_of_one_process_are_counted_once_and_others_added() -> None:
    counting = Counting()
    for number in (3, 3, 5):
        counting.totals.add(NODE, CART, 1, lost(number))
    assert counting.at(101) == (5, 5)
    counting.totals.add(NODE, CART, 2, lost(2))  # after a crash
    counting.totals.add(NODE, CART, 2, lost(1))  # Envoy dropped the counter and made it again
    assert counting.at(102) == (8, 8)


def test_what_was_counted_long_ago_is_no_evidence() -> None:
    counting = Counting()
    counting.totals.add(NODE, CART, 1, lost(50))
    assert counting.at(150) == (50, 50)
    counting.totals.add(NODE, CART, 1, lost(53))
    assert counting.at(149 + WINDOW) == (53, 53)
    assert counting.at(150 + WINDOW) == (53, 3)
    assert counting.totals.counted(150 + WINDOW).seconds == WINDOW


def test_where_nobody_looks_for_long_evidence_goes_back_to_the_last_look() -> None:
    counting = Counting()
    counting.totals.add(NODE, CART, 1, lost(7))
    assert counting.at(100 + 10 * WINDOW) == (7, 7)
    assert counting.totals.counted(101 + 10 * WINDOW).seconds == 10 * WINDOW + 1


def test_a_process_that_takes_over_behind_the_same_sidecar_begins_anew_too() -> None:
    counting = Counting()
    counting.totals.add(NODE, CART, 1, lost(50), application=11)
    assert counting.at(110) == (50, 50)
    counting.at(150)
    counting.totals.add(NODE, CART, 1, lost(52), application=None)  # between two lives
    assert counting.at(151) == (52, 52)
    counting.totals.add(NODE, CART, 1, lost(53), application=12)
    assert counting.at(152) == (53, 0)
    counting.totals.add(NODE, CART, 1, lost(54), application=12)
    assert counting.at(153) == (54, 1)
    assert counting.at(170 + WINDOW) == (54, 1)


def test_an_instance_that_takes_over_begins_without_the_faults_of_the_one_before() -> None:
    counting = Counting()
    counting.totals.add(NODE, CART, 1, lost(50))
    counting.totals.keep({NODE, NEXT}, lambda workload: True)
    counting.totals.add(NEXT, CART, 2, lost(1))
    assert counting.at(110) == (51, 51)
    counting.totals.keep({NEXT}, lambda workload: True)
    assert counting.at(111) == (51, 1)


def test_workloads_that_are_gone_are_forgotten() -> None:
    counting = Counting()
    counting.totals.add(NODE, CART, 1, lost(50))
    counting.totals.keep((), lambda workload: workload != CART)
    assert counting.at(110) == (0, 0)


def test_history_is_bounded() -> None:
    counting = Counting()
    for second in range(100, 100 + int(5 * WINDOW), 2):
        counting.at(second)
    assert len(counting.totals._history) <= 22
