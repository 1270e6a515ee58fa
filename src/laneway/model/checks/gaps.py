"""Gaps: what stands in the input and could not be read, so that checks do not call it missing."""

from __future__ import annotations

from dataclasses import dataclass, field

from laneway.model.findings import ObjectKey


@dataclass(frozen=True, slots=True)
class Gaps:
    """``keys`` are of documents whose shape was wrong; ``everything``: anything may be missing.

    ``left_out`` are objects that were read whole and declare nothing that lanes can use, such as a
    Service without ports. They leave no gap.
    """

    everything: bool = False
    keys: frozenset[ObjectKey] = frozenset()
    left_out: frozenset[ObjectKey] = field(default=frozenset(), compare=False)

    def may_hold(self, kind: str, name: str | None = None) -> bool:
        """Whether an object of the kind (of that name, if given) may stand in what is unread."""
        if self.everything:
            return True
        return any(
            key.kind == kind and (name is None or key.name in ("", name)) for key in self.keys
        )
