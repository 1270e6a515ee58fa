"""A cache of sealed manifests and of their comparison with the cluster. Pure.

Sealing a manifest and comparing it with the object in the cluster costs more than emitting it. An
emitter returns the same object again while its inputs are unchanged, and so does a watch cache, so
a pair of the same two objects is compared only once.
"""

from __future__ import annotations

from laneway.compile.generational_cache import GenerationalCache, SameObjects
from laneway.operator.manifests import Manifest, is_current, seal


class SealedManifests:
    """Seals and compares each manifest once, as long as it is asked for in every pass."""

    def __init__(self) -> None:
        self._sealed = GenerationalCache()
        self._current = GenerationalCache()

    def seal(self, manifest: Manifest) -> Manifest:
        return self._sealed.get(id(manifest), SameObjects(manifest), lambda: seal(manifest))

    def is_current(self, existing: Manifest, manifest: Manifest) -> bool:
        """Whether the object in the cluster is what ``manifest`` (not sealed) says."""
        return self._current.get(
            id(manifest),
            SameObjects(manifest, existing),
            lambda: is_current(existing, self.seal(manifest)),
        )

    def next_pass(self) -> None:
        """Forget the manifests that were not asked for since the last call."""
        self._sealed.next_generation()
        self._current.next_generation()
