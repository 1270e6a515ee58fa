"""Figures of requests by lane: how many, how many failed, and how long they took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: The lane of requests that named one which the service has no subset of.
ABSENT = "?"
#: Upper ends of the classes of durations, in milliseconds.
BUCKETS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000)

#: Why a request was not served by its own lane. "" is that it was.
NO_SUCH_LANE, NO_HEALTHY_INSTANCE = "NoSuchLane", "NoHealthyInstance"


@dataclass(frozen=True, slots=True, order=True)
class LanePair:
    """The lane of requests to a service, and the one that served them: "" where none did."""

    service: str
    lane: str
    served: str

    @property
    def cause(self) -> str:
        if self.lane == self.served:
            return ""
        return NO_SUCH_LANE if self.lane == ABSENT else NO_HEALTHY_INSTANCE

    @property
    def is_fallback(self) -> bool:
        return self.served not in ("", self.lane)


@dataclass(frozen=True, slots=True)
class LaneFigures:
    """``counts`` are of requests by duration, as ``BUCKETS`` has them, with those that took longer
    than all of these at the end. ``milliseconds`` is how long they took together."""

    counts: Sequence[int] = (0,) * (len(BUCKETS) + 1)
    milliseconds: float = 0.0
    errors: int = 0

    @property
    def requests(self) -> int:
        return sum(self.counts)

    def __add__(self, other: LaneFigures) -> LaneFigures:
        counts = tuple(a + b for a, b in zip(self.counts, other.counts, strict=True))
        return LaneFigures(
            counts, self.milliseconds + other.milliseconds, self.errors + other.errors
        )

    def since(self, before: LaneFigures) -> LaneFigures:
        """What came since ``before``, or all of it where the counting began again meanwhile."""
        counts = tuple(a - b for a, b in zip(self.counts, before.counts, strict=True))
        errors = self.errors - before.errors
        if errors < 0 or any(count < 0 for count in counts):
            return self
        return LaneFigures(counts, max(self.milliseconds - before.milliseconds, 0.0), errors)

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """Each bound in seconds, and how many requests took no longer; the last is infinite."""
        below = 0
        bounds = (*(bound / 1000 for bound in BUCKETS), float("inf"))
        for bound, count in zip(bounds, self.counts, strict=True):
            below += count
            yield bound, below

    @property
    def sum(self) -> float:
        """In seconds, as the bounds of ``cumulative``."""
        return self.milliseconds / 1000

    @property
    def count(self) -> int:
        return self.requests

    def percentile(self, share: float) -> float | None:
        """Milliseconds that this share of the requests did not exceed, evenly spread within a
        bucket, as Prometheus' ``histogram_quantile`` has it. None where there are no requests."""
        rank, below, lower = share * self.requests, 0, 0
        if not self.requests:
            return None
        for bound, count in zip(BUCKETS, self.counts, strict=False):
            if count and below + count >= rank:
                return round(lower + (bound - lower) * (rank - below) / count, 3)
            below, lower = below + count, bound
        return float(lower)
