"""Prefixes that bound the strings a match accepts, and how those of a regex's parts combine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, product

_MOST_STEMS = 64
_MOST_SAMPLES = 24


@dataclass(frozen=True, slots=True)
class Stem:
    """The string ``text`` if ``whole``, otherwise all strings that begin with it."""

    text: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a regex. ``stems`` contain all that it matches, and nothing else if ``exact``.

    ``samples`` are guesses of what it matches.
    """

    stems: tuple[Stem, ...]
    exact: bool
    samples: tuple[str, ...]

    @property
    def may_be_empty(self) -> bool:
        """True only if that is certain, so never for a piece that is not exact."""
        return self.exact and any(not stem.text for stem in self.stems)


EMPTY = Piece((Stem("", whole=True),), True, ("",))
#: Any one character.
ANY = Piece((Stem("", whole=False),), False, ("x", "0", "/"))
#: Any number of characters, including none.
ANYTHING = Piece((Stem("", whole=False),), True, ("", "x", "x/0"))


def literals(characters: Iterable[str]) -> Piece:
    """One of the characters."""
    texts = tuple(dict.fromkeys(characters))
    samples = (*texts[:2], *texts[-2:])
    return _bounded(tuple(Stem(text, whole=True) for text in texts), True, samples)


def joined(first: Piece, second: Piece) -> Piece:
    if len(first.stems) * len(second.stems) > _MOST_STEMS:
        # Only the prefixes are still known.
        second = Piece(ANY.stems, False, second.samples)
    stems: list[Stem] = []
    exact = first.exact and second.exact
    for head in first.stems:
        if head.whole:
            stems += (Stem(head.text + tail.text, tail.whole) for tail in second.stems)
        else:
            stems.append(head)
            exact = exact and second.may_be_empty
    samples = (a + b for b, a in product(second.samples, first.samples))
    return _bounded(tuple(stems), exact, samples)


def either(first: Piece, second: Piece) -> Piece:
    # Interleaved, so that the limit leaves some of both.
    pairs = islice(zip(first.samples, second.samples, strict=False), _MOST_SAMPLES)
    samples = [text for pair in pairs for text in pair]
    return _bounded(
        (*first.stems, *second.stems),
        first.exact and second.exact,
        (*samples, *first.samples, *second.samples),
    )


def repeated(piece: Piece, least: int, most: int | None) -> Piece:
    """The piece ``least`` to ``most`` times; ``None`` means without limit."""
    whole = EMPTY
    for _ in range(min(least, 8)):
        whole = joined(whole, piece)
    if most == least and least <= 8:
        return whole
    if most == least + 1 and least <= 8:
        return joined(whole, either(piece, EMPTY))
    if least == 0 and most is None and piece is ANY:
        return ANYTHING
    more = tuple(text * times for times in (0, 1, 2) for text in piece.samples)
    return joined(whole, Piece((Stem("", whole=False),), False, more))


def vague(piece: Piece) -> Piece:
    """A piece about which nothing is certain. It keeps the samples, which are guesses anyway."""
    return Piece(ANY.stems, False, piece.samples)


def _bounded(stems: tuple[Stem, ...], exact: bool, samples: Iterable[str]) -> Piece:
    if len(stems) > _MOST_STEMS:
        stems, exact = ANY.stems, False
    some = dict.fromkeys(islice(samples, 4 * _MOST_SAMPLES))
    return Piece(tuple(dict.fromkeys(stems)), exact, tuple(islice(some, _MOST_SAMPLES)))
