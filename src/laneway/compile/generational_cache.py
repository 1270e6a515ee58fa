"""A cache of results that are kept while they are used.

The Envoy and Istio emitters, the operator and the xDS server use it to build, decode, compare and
encode only what changed since the last time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from operator import is_
from typing import Any, TypeVar

T = TypeVar("T")

_Entries = dict[Hashable, tuple[object, Any]]


class GenerationalCache:
    """The last result for each key, with the inputs that it was made from.

    There are two generations. A result that is used moves to the young one. When a generation ends,
    the young one becomes the old one, and what was in the old one is forgotten. So nothing has to
    be counted or timed for each entry.

    A generation ends with ``next_generation``, or when the sizes of its results exceed
    ``capacity``. The cache then holds at most twice that, and one result more.
    """

    def __init__(
        self, capacity: float = math.inf, size: Callable[[Any], int] = lambda result: 1
    ) -> None:
        self._capacity = capacity
        self._size_of = size
        self._size = 0
        self._young: _Entries = {}
        self._old: _Entries = {}

    def get(self, key: Hashable, inputs: object, make: Callable[[], T]) -> T:
        """The result for ``key``; made by ``make`` if there is none, or if ``inputs`` differ.

        ``inputs`` are compared by ``==``: pass ``SameObjects`` to compare them by identity. They
        are kept with the result. A key that contains the ``id`` of an object is therefore safe if
        that object is among them.
        """
        entry = self._young.get(key)
        if entry is None or entry[0] != inputs:
            entry = self._old.get(key)
            if entry is None or entry[0] != inputs:
                entry = inputs, make()
            self._keep(key, entry)
        result: T = entry[1]
        return result

    def next_generation(self) -> None:
        """Forget the results that were not used since the last call."""
        self._young, self._old, self._size = {}, self._young, 0

    def _keep(self, key: Hashable, entry: tuple[object, Any]) -> None:
        if self._size > self._capacity:
            self.next_generation()
        self._young[key] = entry
        self._size += self._size_of(entry[1])


class SameObjects:
    """A sequence that equals another one only if both contain the same objects, in order."""

    __slots__ = ("_objects",)

    def __init__(self, *objects: object) -> None:
        self._objects: Sequence[object] = objects

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SameObjects) or len(self._objects) != len(other._objects):
            return False
        return all(map(is_, self._objects, other._objects))

    __hash__ = None  # type: ignore[assignment]
