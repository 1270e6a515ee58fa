"""Suggestions for misspelt words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice

# Comparing a word with every option costs about 10 µs each: too much where a thousand words are
# wrong among a thousand options.
_MOST_COMPARED = 100
# A word has as many shortened forms as characters: of one that is longer than any name may be, a
# million of them, each as long as itself.
_LONGEST = 253
# Of more options there is no nearest one: to go through a hundred thousand for each of a thousand
# mistakes would take a minute.
_MOST_OPTIONS = 5_000


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option that ``word`` most likely means, or ``None`` if none is similar."""
    if len(word) > _LONGEST:
        return None
    choice = tuple(islice(options, _MOST_OPTIONS + 1))
    if len(choice) > _MOST_OPTIONS:
        return None
    folded = word.lower()
    index = _one_edit_away(choice)
    near = {option for form in _shortened(folded) for option in index.get(form, ())}
    if not near and len(choice) <= _MOST_COMPARED:
        near = set(choice)
    by_folded = {option.lower(): option for option in choice if option in near}
    close = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.7)
    return by_folded[close[0]] if close else None


@lru_cache(maxsize=8)
def _one_edit_away(options: tuple[str, ...]) -> Mapping[str, list[str]]:
    """Options by their shortened forms: words one edit apart have one in common."""
    index: dict[str, list[str]] = {}
    for option in options:
        for form in _shortened(option.lower()) if len(option) <= _LONGEST else ():
            index.setdefault(form, []).append(option)
    return index


def _shortened(word: str) -> Iterator[str]:
    """The word, and the word without each of its characters."""
    yield word
    for position in range(len(word)):
        yield word[:position] + word[position + 1 :]


def suggestion(word: str, options: Iterable[str], otherwise: str = "") -> str:
    """A finding's ``fix``: the near miss as a question, else ``otherwise``."""
    meant = nearest(word, options)
    return f"did you mean {meant}?" if meant is not None else otherwise


def listing(options: Iterable[str], most: int = 12) -> str:
    """The options as people list them, cut off where there are too many to read."""
    words = list(options)
    shown = ", ".join(words[:most])
    return f"{shown}, ... ({len(words)} in all)" if len(words) > most else shown
