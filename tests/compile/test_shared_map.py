"""A SharedMap behaves like a map after any edits, and edits share the parts that they keep."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from laneway.compile.resources import CLUSTER, Resource
from laneway.compile.shared_map import SharedMap

NAMES = [f"n{number}" for number in range(600)]  # more than buckets
MADE = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2), max_size=20)
EDITS = st.lists(st.tuples(st.sets(st.sampled_from(NAMES), max_size=10), MADE), max_size=6)


def resources(versions: dict[str, int]) -> list[Resource]:
    return [Resource.of(CLUSTER, name, bytes([version])) for name, version in versions.items()]


@given(EDITS)
def test_an_edited_map_is_what_a_dictionary_would_be(
    edits: list[tuple[set[str], dict[str, int]]],
) -> None:
    buckets, expected = SharedMap(), dict[str, Resource]()
    for gone, versions in edits:
        made = resources(versions)
        before, buckets = buckets, buckets.edited(gone, made)
        old = dict(expected)
        for name in gone:
            expected.pop(name, None)
        expected |= {resource.name: resource for resource in made}
        assert before == old, "immutable"
        changed = {n for n in old.keys() | expected.keys() if old.get(n) is not expected.get(n)}
        assert buckets.changes(before) == sorted(changed)
    assert buckets == expected
    assert len(buckets) == len(expected)
    assert list(buckets) == sorted(expected)
    assert all(buckets[name] is resource for name, resource in expected.items())
    assert all((name in buckets) == (name in expected) for name in NAMES)


@given(MADE, MADE, MADE)
def test_over_is_the_union_in_which_the_first_wins(
    base: dict[str, int], one: dict[str, int], other: dict[str, int]
) -> None:
    shared = SharedMap.of(resources(base))
    first, second = (shared.edited((), resources(each)) for each in (one, other))
    union = first.over(second)
    assert union == {**second, **first}
    assert all(union[name] is first[name] for name in first)


def test_an_edit_of_nothing_is_the_same_object() -> None:
    buckets = SharedMap.of(resources({"a": 1}))
    assert buckets.edited((), ()) is buckets
