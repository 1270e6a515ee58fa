"""A set of resources that is built from parts (the services of a mesh) and updated by part."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

from laneway.compile.identity_diff import Changes
from laneway.compile.resources import Resource
from laneway.compile.shared_map import SharedMap

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ResourceSet(Generic[K, V]):
    """``resources`` are ``always`` and those of all parts. No two parts may share a name."""

    def __init__(self, always: Iterable[Resource] = ()) -> None:
        self._names: dict[K, tuple[str, ...]] = {}
        self.resources = SharedMap.of(always)

    def update(self, changes: Changes[K, V], build: Callable[[V], Iterable[Resource]]) -> SharedMap:
        """Build the parts that changed. An unchanged resource stays the same object."""
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
