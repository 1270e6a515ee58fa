"""Languages: the set of strings that a match accepts, as far as that is certain.

A language is bounded by stems, which are single strings and prefixes. For exact and prefix matches,
and for most regexes that people write, the bound is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from laneway.compile.analyze.match_prefixes import Stem
from laneway.compile.analyze.regexes import read_regex
from laneway.model.matches import MatchKind, StringMatch

#: Continuations of a prefix: few, but unlike one another.
_ENDINGS = ("", "x", "/x", "0", "-", "/")


@dataclass(frozen=True, slots=True)
class Language:
    """``stems`` contain all strings of it, and no others if ``exact``. ``samples`` are examples."""

    stems: tuple[Stem, ...]
    exact: bool
    samples: tuple[str, ...]


@lru_cache(maxsize=4096)
def language(match: StringMatch) -> Language:
    match match.kind:
        case MatchKind.EXACT:
            return Language((Stem(match.value, whole=True),), True, (match.value,))
        case MatchKind.PREFIX:
            samples = tuple(match.value + ending for ending in _ENDINGS)
            return Language((Stem(match.value, whole=False),), True, samples)
        case MatchKind.REGEX:
            piece = read_regex(match.value)
            samples = tuple(text for text in piece.samples if match.matches(text))
            return Language(piece.stems, piece.exact, samples)


def covers(match: StringMatch | None, stem: Stem) -> bool:
    """Whether ``match`` certainly accepts all strings of ``stem``. ``None`` accepts everything."""
    if match is None:
        return True
    if stem.whole:
        return match.matches(stem.text)
    own = language(match)
    return own.exact and any(not s.whole and stem.text.startswith(s.text) for s in own.stems)


def implies(narrow: StringMatch | None, wide: StringMatch | None) -> bool:
    """Whether every string that ``narrow`` accepts is certainly accepted by ``wide``."""
    if wide is None or narrow == wide:
        return True
    return narrow is not None and all(covers(wide, stem) for stem in language(narrow).stems)
