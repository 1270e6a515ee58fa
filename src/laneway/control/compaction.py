"""How much history a store keeps. Pure.

Rollbacks, reads of earlier revisions, and resumed watches need history. The objects that are
declared now are always kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class HistoryBounds:
    """Revisions older than ``age`` are removed, and those before the last ``most``, but none of the
    last ``least``."""

    age: timedelta = timedelta(days=30)
    most: int = 100_000
    least: int = 1_000

    @classmethod
    def last(cls, number: int) -> HistoryBounds:
        """Bounds that keep exactly the last ``number`` revisions."""
        return cls(age=timedelta.max, most=number, least=number)

    def compacted(self, latest: int, compacted: int, outdated: int) -> int:
        """The last revision to remove; ``compacted`` if there is nothing to remove.

        ``latest`` is the last revision, ``compacted`` the last one that is removed already,
        ``outdated`` the last one that is older than ``age``.
        """
        wanted = max(outdated, latest - self.most)
        return max(compacted, min(wanted, latest - self.least))
