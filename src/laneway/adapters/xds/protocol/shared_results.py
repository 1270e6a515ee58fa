"""Results that all streams share: bytes and references of resources, differences of snapshots."""

from __future__ import annotations

from collections import deque

from laneway.adapters.xds.protocol.encodings import encode
from laneway.adapters.xds.protocol.references import references
from laneway.compile.generational_cache import GenerationalCache
from laneway.compile.resources import Layers, Resource, Resources
from laneway.compile.shared_map import SharedMap

#: Bytes of encoded resources in a generation of the cache, which keeps two.
GENERATION_BYTES = 64 * 1024 * 1024
#: A publish changes the five maps that proxies share, and some more with many namespaces. Streams
#: that lag behind need those of the publish before it.
KEPT_CHANGES = 16


class SharedResults:
    """One for all streams of a server."""

    def __init__(self, generation_bytes: int = GENERATION_BYTES) -> None:
        self._encodings = GenerationalCache(generation_bytes, lambda found: len(found[0]))
        self._changes: deque[tuple[SharedMap, SharedMap, list[str]]] = deque(maxlen=KEPT_CHANGES)

    def encoded(self, resource: Resource) -> bytes:
        """The resource as the ``resources`` field of a response."""
        return self._find(resource)[0]

    def references(self, resource: Resource) -> tuple[str, ...]:
        return self._find(resource)[1]

    def changes(self, before: Resources, after: Resources) -> list[str]:
        """The names whose resource differs between the two, and perhaps some more."""
        if before is after:
            return []
        if isinstance(before, Layers) and isinstance(after, Layers):
            own = self.changes(before.own, after.own)
            return own + self.changes(before.shared, after.shared)
        if isinstance(before, SharedMap) and isinstance(after, SharedMap):
            return self._shared_changes(before, after)
        return _changes(before, after)

    def _shared_changes(self, before: SharedMap, after: SharedMap) -> list[str]:
        for known_before, known_after, names in self._changes:
            if known_before is before and known_after is after:
                return names
        names = after.changes(before)
        self._changes.append((before, after, names))
        return names

    def _find(self, resource: Resource) -> tuple[bytes, tuple[str, ...]]:
        key = resource.type_url, resource.name, resource.version
        return self._encodings.get(key, None, lambda: (encode(resource), references(resource)))


def _changes(before: Resources, after: Resources) -> list[str]:
    names = [name for name, resource in after.items() if before.get(name) is not resource]
    return names + [name for name in before if name not in after]
