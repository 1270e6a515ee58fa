"""Decides when to restart a process that ended. Pure: time and randomness are arguments.

``supervisors`` report to it, and carry out its decisions.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """``first`` seconds, doubled each time up to ``most``, less a random part up to ``jitter``.

    The delay starts again after ``reset_after`` seconds of continuous readiness. ``loop_after``
    exits without such a period are a crash loop.
    """

    first: float = 0.2
    most: float = 10.0
    jitter: float = 0.1
    reset_after: float = 10.0
    loop_after: int = 5

    def delay(self, attempt: int, chance: float) -> float:
        """Seconds before the ``attempt``-th restart in a row. ``chance`` is from 0 to 1."""
        exponent = min(attempt - 1, 30)
        return min(self.most, self.first * 2.0**exponent) * (1.0 - self.jitter * chance)


@dataclass(frozen=True, slots=True)
class Restart:
    """Start again in ``delay`` seconds. ``loop_begins`` is set once, when a crash loop is found."""

    delay: float
    attempt: int
    loop_begins: bool


@dataclass(slots=True)
class History:
    """Counts how often a process has ended since it was last ready for long enough."""

    backoff: Backoff = Backoff()
    ends: int = 0
    _ready_since: float | None = None

    def became_ready(self, now: float) -> None:
        self._ready_since = now

    def became_unready(self, now: float) -> None:
        if self._ready_since is not None and now - self._ready_since >= self.backoff.reset_after:
            self.ends = 0
        self._ready_since = None

    def ended(self, now: float, chance: float) -> Restart:
        self.became_unready(now)
        self.ends += 1
        delay = self.backoff.delay(self.ends, chance)
        return Restart(delay, self.ends, loop_begins=self.ends == self.backoff.loop_after)
