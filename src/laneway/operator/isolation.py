"""Isolating failures: what fails is left out, so that everything else can go on. Pure.

A pass compiles all lane groups together. If laneway itself fails on one of them (a bug, not an
error of the input), the pass is tried without that group instead of stopping for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Isolated(Generic[K, T]):
    """``result`` is None if the attempt fails even without any item, by the error of ``fatal``."""

    result: T | None
    failed: Mapping[K, Exception] = field(default_factory=dict)
    fatal: Exception | None = None


def isolate(items: Sequence[K], attempt: Callable[[Collection[K]], T]) -> Isolated[K, T]:
    """The result of ``attempt`` with all items but those that make it fail.

    ``attempt`` is given the items to leave out. A binary search finds the first item that fails
    together with those before it, so the earlier of two that only fail together is kept. Costs
    about log2 of the number of items in further attempts for each item that fails.
    """
    failed: dict[K, Exception] = {}
    while True:
        try:
            return Isolated(attempt(frozenset(failed)), failed)
        except Exception as error:
            reason = error
        try:
            attempt(frozenset(items))
        except Exception as error:
            return Isolated(None, failed, error)
        rest = [item for item in items if item not in failed]
        works, fails = 0, len(rest)
        while fails - works > 1:
            middle = (works + fails) // 2
            try:
                attempt(frozenset(failed) | frozenset(rest[middle:]))
                works = middle
            except Exception as error:
                fails, reason = middle, error
        failed[rest[fails - 1]] = reason


def internal_error(error: Exception) -> str:
    """How an exception that should not have happened is reported, on one line."""
    text = " ".join(str(error).split())
    return f"internal error, please report it: {type(error).__name__}: {text}".rstrip(": ")
