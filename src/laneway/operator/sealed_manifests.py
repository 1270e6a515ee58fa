"""A cache of sealed manifests and of their comparison with the cluster. Pure.

Sealing a manifest and comparing it with the object in the cluster costs more than emitting it. An
emitter returns the same object again while its inputs are unchanged, and so does a watch cache, so
a pair that was found equal needs no second look.
"""

from __future__ import annotations

from dataclasses import dataclass

from laneway.operator.manifests import Manifest, is_current, seal


@dataclass(frozen=True, slots=True)
class _Known:
    """Holds what it knows of, so that no other object takes its identity."""

    manifest: Manifest
    sealed: Manifest
    agrees_with: Manifest | None = None


class SealedManifests:
    """``sweep`` forgets what was not asked for since the last time."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        self._asked: dict[int, _Known] = {}

    def seal(self, manifest: Manifest) -> Manifest:
        return self._of(manifest).sealed

    def is_current(self, existing: Manifest, manifest: Manifest) -> bool:
        """Whether the object in the cluster is what ``manifest`` (not sealed) says."""
        known = self._of(manifest)
        if known.agrees_with is existing:
            return True
        if not is_current(existing, known.sealed):
            return False
        self._asked[id(manifest)] = _Known(manifest, known.sealed, existing)
        return True

    def sweep(self) -> None:
        self._known, self._asked = self._asked, {}

    def _of(self, manifest: Manifest) -> _Known:
        known = self._asked.get(id(manifest)) or self._known.get(id(manifest))
        if known is None:
            known = _Known(manifest, seal(manifest))
        self._asked[id(manifest)] = known
        return known
