"""How what proxies counted is compared with what is predicted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from tests.faces.cli.conftest import cli as cli

from laneway.faces.cli.verification import (
    Answers,
    Counts,
    PredictedHop,
    Prediction,
    counted_between,
    covers,
    differences,
)
from laneway.faces.cli.verify import observed

A, B, C = "default/a", "default/b", "default/c"
#: Lane s2 has a and c, and passes through the baseline's b.
PATH = Prediction(
    (
        PredictedHop("", A, "s2", "s2"),
        PredictedHop(A, B, "s2", "s1"),
        PredictedHop(B, C, "s2", "s2"),
    )
)
AS_PREDICTED = {(A, "s2", "s2"): 4, (B, "?", "s1"): 4, (C, "s2", "s2"): 4}


def answered(**statuses: int) -> Answers:
    """``_200=4``."""
    found = Answers()
    for name, number in statuses.items():
        for _ in range(number):
            found.add(int(name.strip("_")), f"says {name}\nand more")
    return found


def told(
    counts: Counts, prediction: Prediction = PATH, answers: Answers | None = None
) -> list[str]:
    found = differences(prediction, counts, answers or answered(_200=4), "x-trace")
    return [f"{each.service} {each.text}".strip() for each in found]


def test_nothing_is_said_of_what_is_as_predicted() -> None:
    assert told(AS_PREDICTED) == []
    assert covers(AS_PREDICTED, PATH, 4)
    assert not covers(AS_PREDICTED, PATH, 5)


def test_the_service_that_loses_the_lane_is_named() -> None:
    """Though b serves the same, the lane was lost before it."""
    by_a = {(A, "s2", "s2"): 4, (B, "s1", "s1"): 4, (C, "s1", "s1"): 4}
    expected = "lane s1 (4) answered instead of lane s2: the calls did not name lane s2; does"
    assert told(by_a) == [f"{C} {expected} a pass on x-trace?"]
    by_b = {(A, "s2", "s2"): 4, (B, "?", "s1"): 4, (C, "s1", "s1"): 4}
    assert told(by_b) == [f"{C} {expected} b pass on x-trace?"]


def test_a_lane_that_fell_back_although_it_was_named_has_had_no_instance() -> None:
    counts = {**AS_PREDICTED, (C, "s2", "s2"): 3, (C, "s2", "s1"): 1}
    assert told(counts) == [
        f"{C} lane s1 (1) answered instead of lane s2: "
        "that lane had no healthy instance when it was called"
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({(C, "s2", "s2"): 0}, f"{C} was not called; 4 calls are predicted, by b"),
        ({(C, "s2", "s2"): 3}, f"{C} was called 1 times less than predicted"),
        ({(C, "s2", "s2"): 6}, f"{C} was called 2 times more than predicted"),
        ({("default/d", "s1", "s1"): 4}, "default/d was called 4 times, which is not predicted"),
    ],
)
def test_numbers_of_calls_are_compared(
    changed: dict[tuple[str, str, str], int], expected: str
) -> None:
    (text,) = told({key: n for key, n in {**AS_PREDICTED, **changed}.items() if n})
    assert text.startswith(expected)


def test_only_more_calls_than_predicted_may_be_somebody_elses() -> None:
    more = {**AS_PREDICTED, (C, "s2", "s2"): 6}
    less = {**AS_PREDICTED, (C, "s2", "s2"): 2}
    for counts, surplus in ((more, True), (less, False)):
        (found,) = differences(PATH, counts, answered(_200=4), "x-trace")
        assert found.surplus is surplus


def test_answers_count_as_differences_where_a_proxy_or_a_server_fails() -> None:
    assert told(AS_PREDICTED, answers=answered(_404=4)) == []  # the application's own business
    assert told(AS_PREDICTED, answers=answered(_200=3, _503=1)) == [
        "1 of 4 requests were answered 503: says _503"
    ]
    assert told(AS_PREDICTED, answers=answered(_200=3, _0=1))[0].startswith(
        "1 of 4 requests had no answer"
    )


def test_a_failure_that_is_predicted_is_expected() -> None:
    refused = Prediction((), 404, "no ingress rule takes this request")
    assert told({}, refused, answered(_404=4)) == []
    assert told({}, refused, answered(_200=4)) == [
        "4 of 4 requests were answered 200; 404 is predicted (no ingress rule takes this request)"
    ]


def test_where_a_weight_chooses_only_numbers_are_compared() -> None:
    weighted = Prediction((PredictedHop("", A, "s1", "s1"),), weighted=True)
    assert told({(A, "s1", "s1"): 1, (A, "s2", "s2"): 3}, weighted) == []
    (text,) = told({(A, "s1", "s1"): 3}, weighted)
    assert text.startswith(f"{A} was called 1 times less")


def test_calls_behind_a_service_of_unknown_calls_are_not_differences() -> None:
    unknown = Prediction((PredictedHop("", A, "s2", "s2"),), unknown=frozenset({A}))
    assert told({(A, "s2", "s2"): 4, (B, "s1", "s1"): 8}, unknown) == []


def test_a_prediction_is_read_from_an_explanation() -> None:
    def hop(caller: str | None, service: str, served: str | None, why: str) -> dict[str, object]:
        return {
            "caller": caller,
            "service": service,
            "intendedLane": "s2",
            "servedLane": served,
            "workloads": ["default/w"] if served else [],
            "reasons": [{"why": why, "text": "as it is"}],
        }

    status = {
        "hops": [
            hop(None, A, "s2", "weight"),
            hop(A, "default/of-no-group", "s1", "header"),
            hop(A, C, "s1", "call past the sidecar"),
            hop(A, B, None, "no ready instance"),
        ],
        "failure": {"status": 503, "message": "nobody"},
        "unknownCalls": [B],
    }
    assert Prediction.of(status, [A, B, C]) == Prediction(
        (PredictedHop("", A, "s2", "s2"), PredictedHop(A, B, "s2", "")),
        503,
        "nobody",
        True,
        frozenset({B}),
    )


def test_a_proxy_that_starts_anew_does_not_count_backwards() -> None:
    before = {(A, "s2", "s2"): 10, (B, "s1", "s1"): 1}
    after = {(A, "s2", "s2"): 2, (B, "s1", "s1"): 5}
    assert counted_between(before, after) == {(B, "s1", "s1"): 4}


def test_figures_are_read_until_they_are_enough_and_stay() -> None:
    reads: Iterator[Counts] = iter([{}, {(A, "", ""): 1}, {(A, "", ""): 2}, {(A, "", ""): 2}])
    found = observed(lambda: next(reads), lambda counts: bool(counts), lambda: None)
    assert found == {(A, "", ""): 2}


def test_figures_that_are_never_enough_are_not_read_for_ever() -> None:
    reads: Counter[str] = Counter()

    def read() -> Counts:
        reads["n"] += 1
        return {}

    assert observed(read, lambda counts: False, lambda: None) == {}
    assert 1 < reads["n"] < 20
