"""Results that all proxies share: a resource's bytes and references, and the difference between two
snapshots.
"""

from __future__ import annotations

from collections import deque

from laneway.adapters.xds.protocol.encodings import encode
from laneway.adapters.xds.protocol.references import references
from laneway.compile.resources import Layers, Resource, Resources
from laneway.compile.shared_map import SharedMap

#: Bytes of encoded resources kept; twice this at most, see ``Shared``.
KEPT_BYTES = 64 * 1024 * 1024
#: A publish changes five maps that proxies share, or a few more where there are many namespaces;
#: streams that lag are at the change before it.
KEPT_CHANGES = 16

_Known = dict[tuple[str, str, str], tuple[bytes, tuple[str, ...]]]


class Shared:
    """Shared by the streams of a server.

    Encodings are kept in two generations: when the young one is full it becomes the old one, and
    what is still in use is taken over on the next look-up. Nothing is counted or timed, and the
    memory is bounded.
    """

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._size = 0
        self._young: _Known = {}
        self._old: _Known = {}
        self._changes: deque[tuple[SharedMap, SharedMap, list[str]]] = deque(maxlen=KEPT_CHANGES)

    def encoded(self, resource: Resource) -> bytes:
        """The resource as the ``resources`` field of a response."""
        return self._find(resource)[0]

    def references(self, resource: Resource) -> tuple[str, ...]:
        return self._find(resource)[1]

    def changes(self, before: Resources, after: Resources) -> list[str]:
        """The names whose resource is not the same in both, and perhaps some more."""
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
        key = (resource.type_url, resource.name, resource.version)
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key) or (encode(resource), references(resource))
            self._keep(key, found)
        return found

    def _keep(self, key: tuple[str, str, str], found: tuple[bytes, tuple[str, ...]]) -> None:
        if self._size > self._kept_bytes:
            self._old, self._young, self._size = self._young, {}, 0
        self._young[key] = found
        self._size += len(found[0])


def _changes(before: Resources, after: Resources) -> list[str]:
    names = [name for name, resource in after.items() if before.get(name) is not resource]
    return names + [name for name in before if name not in after]
