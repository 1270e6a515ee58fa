"""Tells a sidecar that hangs from a machine that is too busy to run any. Pure.

A sidecar that does not answer its probes receives no requests, so that others answer in its place.
If none of them answers, there are no others, and every request would fail; the likely cause is the
machine. Then they stay as they were, and requests wait.
"""

from __future__ import annotations


class Starvation:
    """The last results of the probes of all sidecars."""

    def __init__(self) -> None:
        self._hung: dict[str, bool] = {}

    def observe(self, sidecar: str, hung: bool) -> None:
        self._hung[sidecar] = hung

    @property
    def is_likely(self) -> bool:
        """Whether all sidecars hang, and at least two."""
        return len(self._hung) > 1 and all(self._hung.values())

    def forget(self, sidecar: str) -> None:
        self._hung.pop(sidecar, None)
