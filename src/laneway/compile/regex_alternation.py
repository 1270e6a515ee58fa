"""One regex for many literal texts. Its cost depends on the length of the matched value only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

#: The length of a regex. Each character, and each alternative, is one step of RE2's program, so
#: this is well below the limit of proxies (``model.regexes``).
MOST_CHARACTERS = 8192


def alternatives(
    texts: Iterable[str], most: int = MOST_CHARACTERS
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Regexes of at most so many characters that each match some of the texts, with these."""
    part: list[str] = []
    length = 0
    for text in texts:
        size = len(re.escape(text)) + 1
        if part and length + size > most:
            yield "|".join(map(re.escape, part)), tuple(part)
            part, length = [], 0
        part.append(text)
        length += size
    if part:
        yield "|".join(map(re.escape, part)), tuple(part)
