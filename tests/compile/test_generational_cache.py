"""Results are kept while they are used, and made again when their inputs change."""

from __future__ import annotations

from laneway.compile.generational_cache import GenerationalCache, SameObjects


class Made:
    """Asks a cache for numbers: each one says how many had been made when it was."""

    def __init__(self, cache: GenerationalCache) -> None:
        self.cache = cache
        self.count = 0

    def ask(self, key: str, inputs: object = None) -> int:
        return self.cache.get(key, inputs, self._make)

    def _make(self) -> int:
        self.count += 1
        return self.count


def test_a_result_is_made_once_for_the_same_inputs() -> None:
    made = Made(GenerationalCache())
    assert [made.ask("a", 1), made.ask("a", 1), made.ask("b", 1)] == [1, 1, 2]
    assert [made.ask("a", 2), made.ask("a", 2)] == [3, 3]
    made.cache.next_generation()
    assert [made.ask("a", 2), made.ask("b", 2)] == [3, 4]


def test_a_result_is_forgotten_after_a_generation_without_use() -> None:
    made = Made(GenerationalCache())
    assert [made.ask("used"), made.ask("unused")] == [1, 2]
    for _ in range(3):
        made.cache.next_generation()
        assert made.ask("used") == 1
    assert made.ask("unused") == 3


def test_a_full_generation_ends_and_what_is_used_stays() -> None:
    made = Made(GenerationalCache(capacity=5))
    made.ask("used")
    for number in range(50):
        made.ask(f"other {number}")
        assert made.ask("used") == 1
    assert made.ask("other 0") > 50


def test_capacity_is_measured_in_the_sizes_of_results() -> None:
    """The second generation begins with ``2``, since the first is full with ``1`` alone."""
    made = Made(GenerationalCache(capacity=0, size=lambda number: 1 if number == 1 else 0))
    assert [made.ask("a"), made.ask("b"), made.ask("c"), made.ask("b")] == [1, 2, 3, 2]
    made.cache.next_generation()
    assert made.ask("b") == 2
    assert made.ask("a") == 4


def test_objects_are_compared_not_values() -> None:
    one, equal = [1], [1]
    assert SameObjects(one) == SameObjects(one)
    assert SameObjects(one) != SameObjects(equal)
    assert SameObjects(one) != SameObjects(one, one)
    made = Made(GenerationalCache())
    assert [made.ask("a", SameObjects(one)), made.ask("a", SameObjects(equal))] == [1, 2]
