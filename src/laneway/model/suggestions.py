"""Near misses: what somebody who misspelt a word most likely meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option that ``word`` most likely means, or ``None`` when none is near."""
    by_folded = {option.lower(): option for option in options}
    close = difflib.get_close_matches(word.lower(), by_folded, n=1, cutoff=0.7)
    return by_folded[close[0]] if close else None


def suggestion(word: str, options: Iterable[str], otherwise: str = "") -> str:
    """A finding's ``fix``: the near miss as a question, else ``otherwise``."""
    meant = nearest(word, options)
    return f"did you mean {meant}?" if meant is not None else otherwise


def listing(options: Iterable[str], most: int = 12) -> str:
    """The options as people list them, cut off where there are too many to read."""
    words = list(options)
    shown = ", ".join(words[:most])
    return f"{shown}, ... ({len(words)} in all)" if len(words) > most else shown
