"""What happened in a simulation, line by line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable


class Trace:
    """``clock`` counts virtual seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.lines: list[str] = []

    def add(self, who: str, what: str) -> None:
        self.lines.append(f"{self._clock():10.4f}  {who:<22} {what}")

    @property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()
