"""How much history a store keeps. Pure.

History is what rollbacks, looks at the past and watches that resume read; what is declared now
stays, however old it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class HistoryBounds:
    """Revisions older than ``age`` are removed, and those beyond the last ``most``; but never any
    of the last ``least``."""

    age: timedelta = timedelta(days=30)
    most: int = 100_000
    least: int = 1_000

    @classmethod
    def last(cls, number: int) -> HistoryBounds:
        """Exactly the last ``number`` revisions stay."""
        return cls(age=timedelta.max, most=number, least=number)

    def compacted(self, latest: int, compacted: int, outdated: int) -> int:
        """The number up to which history is to be removed; ``compacted`` where nothing is.

        ``latest`` is the last revision, ``compacted`` what was removed before, ``outdated`` the
        last revision that is older than ``age``.
        """
        wanted = max(outdated, latest - self.most)
        return max(compacted, min(wanted, latest - self.least))
