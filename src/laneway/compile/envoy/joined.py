"""Joined resources: one map of what many parts (a mesh's services) are each built to, kept up to
date part by part."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

from laneway.compile.buckets import Buckets
from laneway.compile.changes import Changes
from laneway.compile.snapshots import Resource

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Joined(Generic[K, V]):
    """``resources`` are those of all parts, and ``always``. No two parts share a name."""

    def __init__(self, always: Iterable[Resource] = ()) -> None:
        self._names: dict[K, tuple[str, ...]] = {}
        self.resources = Buckets.of(always)

    def update(self, changes: Changes[K, V], build: Callable[[V], Iterable[Resource]]) -> Buckets:
        """Build the parts that changed. What comes out as before stays the object that it was."""
        gone = [name for key in changes.gone for name in self._names.pop(key, ())]
        made: list[Resource] = []
        for key, value in changes.made.items():
            built = {resource.name: resource for resource in build(value)}
            gone += [name for name in self._names.get(key, ()) if name not in built]
            made += filter(self._differs, built.values())
            self._names[key] = tuple(built)
        self.resources = self.resources.edited(gone, made)
        return self.resources

    def _differs(self, resource: Resource) -> bool:
        known = self.resources.get(resource.name)
        return known is None or known.version != resource.version
