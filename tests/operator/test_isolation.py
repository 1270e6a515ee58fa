"""What fails is found and left out; everything else succeeds."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laneway.operator.isolation import internal_error, isolate

ITEMS = tuple(range(20))
Attempt = Callable[[Collection[int]], frozenset[int]]


def failing_on(*culprits: Collection[int]) -> Attempt:
    """Succeeds with what was kept, unless all items of a culprit are among it."""

    def attempt(left_out: Collection[int]) -> frozenset[int]:
        kept = frozenset(ITEMS) - frozenset(left_out)
        for culprit in culprits:
            if kept.issuperset(culprit):
                raise ValueError(f"{sorted(culprit)} together")
        return kept

    return attempt


@given(st.sets(st.sampled_from(ITEMS)))
def test_exactly_what_fails_by_itself_is_left_out(culprits: set[int]) -> None:
    isolated = isolate(ITEMS, failing_on(*([each] for each in culprits)))
    assert set(isolated.failed) == culprits
    assert isolated.result == frozenset(ITEMS) - culprits
    assert {each: str(error) for each, error in isolated.failed.items()} == {
        each: f"[{each}] together" for each in culprits
    }


def test_of_two_that_only_fail_together_the_first_is_kept() -> None:
    assert set(isolate(ITEMS, failing_on([3, 11])).failed) == {11}


def test_what_fails_without_any_item_gives_no_result() -> None:
    isolated = isolate(ITEMS, failing_on([]))
    assert isolated.result is None
    assert str(isolated.fatal) == "[] together"


def test_nothing_to_leave_out() -> None:
    attempts = []
    assert isolate(ITEMS, lambda out: attempts.append(out) or 1).result == 1  # type: ignore[func-returns-value]
    assert attempts == [frozenset()]


def test_the_search_is_binary() -> None:
    attempts = 0

    def attempt(left_out: Collection[int]) -> None:
        nonlocal attempts
        attempts += 1
        if 700 not in left_out:
            raise ValueError

    assert set(isolate(range(1000), attempt).failed) == {700}
    assert attempts <= 13


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("x"), "internal error, please report it: KeyError: 'x'"),
        (ValueError("a\nb"), "internal error, please report it: ValueError: a b"),
        (AssertionError(), "internal error, please report it: AssertionError"),
    ],
)
def test_it_is_reported_on_one_line(error: Exception, text: str) -> None:
    assert internal_error(error) == text


def test_an_interrupt_is_no_failure() -> None:
    def attempt(left_out: Collection[int]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        isolate(ITEMS, attempt)
