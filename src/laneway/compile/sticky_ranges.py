"""Which of the 100 parts of a hash belong to which lane, for sticky weights.

A user's hash falls into the same part always. So that raising one lane's weight moves no user of
another, each lane grows from a place of its own into what is the baseline's: the first lane from
the beginning upwards, the second from the end downwards; the third and fourth from the middle, up
and down; the next from the quarters, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from laneway.compile.ir import Share

PARTS = 100


def lay_out(lanes: Sequence[Share], rest: Share | None) -> tuple[Share, ...]:
    """The lanes' shares in parts, in order of the hash; what is left over is the part of ``rest``.

    A lane that grows keeps all that it has. Others keep theirs until the two that grow towards each
    other meet: two lanes never do; of three or four, each pair has half of the hash, and so on.
    From there on lanes take what is free, in order of declaration.
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
    """From the lane's own place towards the next one that another of so many lanes starts from."""
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
    """Where the lane so numbered starts, and which way it grows.

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
