"""Selectors are compared without any pod; here every pod there can be is tried against that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from laneway.model.label_selectors import (
    LabelRequirement,
    Operator,
    admitted,
    equal_labels,
    implies,
    is_possible,
    written,
)
from laneway.model.lanes import Lane

KEYS, VALUES = ("a", "b"), ("1", "2", "3", "4")
Selector = tuple[Mapping[str, str], tuple[LabelRequirement, ...]]


def pods() -> Iterator[Mapping[str, str]]:
    """Every pod with these labels; no selector names ``3`` and ``4``."""
    for values in product((None, *VALUES), repeat=len(KEYS)):
        yield {k: v for k, v in zip(KEYS, values, strict=True) if v is not None}


def requirements() -> st.SearchStrategy[LabelRequirement]:
    keys, values = st.sampled_from(KEYS), st.sampled_from(VALUES[:2])
    some = st.lists(values, min_size=1, unique=True).map(tuple)
    named = st.sampled_from([Operator.IN, Operator.NOT_IN])
    bare = st.sampled_from([Operator.EXISTS, Operator.DOES_NOT_EXIST])
    return st.builds(LabelRequirement, keys, named, some) | st.builds(LabelRequirement, keys, bare)


def selectors() -> st.SearchStrategy[Selector]:
    labels = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES[:2]))
    return st.tuples(labels, st.lists(requirements(), max_size=3).map(tuple))


def selected(selector: Selector) -> list[Mapping[str, str]]:
    lane = Lane("s", "g", selector[0], (), match_expressions=selector[1])
    return [pod for pod in pods() if lane.selects(pod)]


def test_the_operators_are_kubernetes() -> None:
    without: dict[str, str] = {}
    one, two = {"a": "1"}, {"a": "2"}
    for operator, values, right in [
        (Operator.IN, ("1",), (False, True, False)),
        (Operator.NOT_IN, ("1",), (True, False, True)),
        (Operator.EXISTS, (), (False, True, True)),
        (Operator.DOES_NOT_EXIST, (), (True, False, False)),
    ]:
        requirement = LabelRequirement("a", operator, values)
        assert tuple(map(requirement.holds, (without, one, two))) == right, operator


@given(selectors(), selectors())
def test_one_selector_implies_another_if_no_pod_says_otherwise(a: Selector, b: Selector) -> None:
    if is_possible(admitted(*a)):
        pods_of_b = selected(b)
        assert implies(admitted(*a), admitted(*b)) == all(pod in pods_of_b for pod in selected(a))


@given(selectors())
def test_a_selector_is_possible_if_some_pod_is_selected(selector: Selector) -> None:
    assert is_possible(admitted(*selector)) == bool(selected(selector))


@given(selectors())
def test_equal_labels_are_those_that_all_selected_pods_share(selector: Selector) -> None:
    labels = equal_labels(admitted(*selector))
    found = selected(selector)
    if found:
        shared = {
            key: found[0][key]
            for key in found[0]
            if all(p.get(key) == found[0][key] for p in found)
        }
        assert labels == shared


def test_a_selector_is_written_as_kubectl_takes_it() -> None:
    every = [
        LabelRequirement("a", Operator.IN, ("1", "2")),
        LabelRequirement("b", Operator.NOT_IN, ("1",)),
        LabelRequirement("c", Operator.EXISTS),
        LabelRequirement("d", Operator.DOES_NOT_EXIST),
    ]
    assert written({"app": "web"}, every) == "app=web, a in (1, 2), b notin (1), c, !d"
