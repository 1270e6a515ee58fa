"""When to restart a process that ended. Pure: time and randomness are arguments.

``supervisors`` reports what happens and does what this says.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """``first`` seconds, doubled each time up to ``most``, less a random part up to ``jitter``.

    ``reset_after`` seconds of readiness at a stretch make it begin anew. ``loop_after`` ends in a
    row, without such a stretch, are a crash loop.
    """

    first: float = 0.2
    most: float = 10.0
    jitter: float = 0.1
    reset_after: float = 10.0
    loop_after: int = 5

    def delay(self, attempt: int, chance: float) -> float:
        """Before the ``attempt``-th restart in a row; ``chance`` is from 0 to 1."""
        exponent = min(attempt - 1, 30)
        return min(self.most, self.first * 2.0**exponent) * (1.0 - self.jitter * chance)


@dataclass(frozen=True, slots=True)
class Restart:
    """Start again in ``delay`` seconds. ``loop_begins`` once when it turned out to be a loop."""

    delay: float
    attempt: int
    loop_begins: bool


@dataclass(slots=True)
class History:
    """What is remembered of one process's lives: how often it ended without a healthy stretch."""

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
