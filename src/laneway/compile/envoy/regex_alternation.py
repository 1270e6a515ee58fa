"""One regex for many texts: it costs as much as a value is long, however many they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

#: Characters of such a regex. A character is one step of RE2's program, an alternative another one,
#: so that this is well within what proxies take (``model.regexes``).
MOST_CHARACTERS = 8192


def alternatives(texts: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Regexes that each match some of the texts, with these; in parts, where one would be too
    long."""
    part: list[str] = []
    length = 0
    for text in texts:
        size = len(re.escape(text)) + 1
        if part and length + size > MOST_CHARACTERS:
            yield "|".join(map(re.escape, part)), tuple(part)
            part, length = [], 0
        part.append(text)
        length += size
    if part:
        yield "|".join(map(re.escape, part)), tuple(part)
