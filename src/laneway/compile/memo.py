"""Memos: results kept from one emission to the next, for as long as their inputs stay the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from operator import is_
from typing import Any, TypeVar

T = TypeVar("T")


class Same:
    """A sequence that equals another only if it holds the very same objects, in order."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[object]) -> None:
        self._parts = parts

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Same) or len(self._parts) != len(other._parts):
            return False
        return all(map(is_, self._parts, other._parts))

    __hash__ = None  # type: ignore[assignment]


class Memo:
    """The last result for each key. ``sweep`` forgets those that were not asked for since."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[object, Any]] = {}
        self._asked: dict[Hashable, tuple[object, Any]] = {}

    def __call__(self, key: Hashable, inputs: object, build: Callable[[], T]) -> T:
        known = self._asked.get(key) or self._known.get(key)
        if known is None or known[0] != inputs:
            known = (inputs, build())
        self._asked[key] = known
        result: T = known[1]
        return result

    def sweep(self) -> None:
        self._known, self._asked = self._asked, {}
