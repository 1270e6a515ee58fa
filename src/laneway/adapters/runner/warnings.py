"""Lines of a proxy's output that its configuration has it write for people to read.

Clients cause them, and some clients repeat themselves: the same words are passed on once a minute.
"""

from __future__ import annotations

from collections.abc import Callable

_MARK = b"laneway: "
_PERIOD = 60.0
#: Texts that are remembered; more differ only where somebody makes them up.
_MOST = 100


class Warnings:
    """``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}

    def of(self, line: bytes) -> str | None:
        """What the line warns of; None for any other line, and for what was said just now."""
        if not line.startswith(_MARK):
            return None
        text, now = line.removeprefix(_MARK).decode(errors="replace"), self._clock()
        self._last = {each: at for each, at in self._last.items() if now - at < _PERIOD}
        if text in self._last or len(self._last) >= _MOST:
            return None
        self._last[text] = now
        return text
