"""Assigns the 100 parts of a hash to lanes, for sticky weights.

A user's hash always falls into the same part. Raising the weight of one lane must not move users of
another lane. So each lane grows from its own starting point into the baseline's parts: the first
lane from the beginning upwards, the second from the end downwards, the third and fourth from the
middle up and down, the next ones from the quarters, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from laneway.compile.ir import Share

PARTS = 100


def lay_out(lanes: Sequence[Share], rest: Share | None) -> tuple[Share, ...]:
    """The shares of lanes in the order of the hash. Remaining parts belong to ``rest``.

    A growing lane keeps all its parts. Other lanes keep theirs until two lanes that grow towards
    each other meet: two lanes never do; with three or four, each pair has half of the hash, and so
    on. After that, lanes take free parts in order of declaration.
    """
    owners: list[Share | None] = [None] * PARTS
    lacking = dict.fromkeys(range(len(lanes)), 0)
    for number, share in enumerate(lanes):
        near = _near(number, len(lanes))
        lacking[number] = share.weight - _take(owners, near, share, share.weight)
    for number, share in enumerate(lanes):
        _take(owners, _everywhere(number), share, lacking[number])
    parts = [owner or rest for owner in owners]
    return tuple(
        replace(owner, weight=len(list(part)))
        for owner, part in groupby(parts)
        if owner is not None
    )


def _take(owners: list[Share | None], places: Iterable[int], share: Share, wanted: int) -> int:
    taken = 0
    for place in places:
        if taken == wanted:
            break
        if owners[place] is None:
            owners[place] = share
            taken += 1
    return taken


def _near(number: int, lanes: int) -> Iterator[int]:
    """The parts from the lane's starting point towards the next lane's, for that many lanes."""
    starts = sorted({start % PARTS for start, _ in map(_start, range(lanes))})
    start, step = _start(number)
    place = start if step > 0 else start - 1
    while True:
        yield place
        place += step
        border = place if step > 0 else place + 1
        if border % PARTS in starts:
            return


def _everywhere(number: int) -> Iterator[int]:
    start, step = _start(number)
    first = start if step > 0 else start - 1
    return ((first + step * distance) % PARTS for distance in range(PARTS))


def _start(number: int) -> tuple[int, int]:
    """The starting point of the lane with that number, and the direction in which it grows.

    Pairs of lanes start from 0, 1/2, 1/4, 3/4, 1/8, ... (the van der Corput sequence).
    """
    pair, downwards = divmod(number, 2)
    position, scale = 0.0, 0.5
    while pair:
        pair, bit = divmod(pair, 2)
        position += bit * scale
        scale /= 2
    start = int(position * PARTS)
    if not downwards:
        return start, 1
    return start or PARTS, -1
