"""A large immutable map of resources, of which an edit copies only a small part.

The resources that all proxies share grow with the mesh, but a change does not. So the map consists
of a fixed number of small maps. An edited map shares unchanged small maps with the map before it,
and a comparison skips those that both share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laneway.compile.resources import Resource, Resources

_COUNT = 256
_Bucket = dict[str, Resource]


class SharedMap(Resources):
    """An immutable map by name. It iterates in the order of names."""

    __slots__ = ("_buckets",)

    def __init__(self, buckets: tuple[_Bucket, ...] = ({},) * _COUNT) -> None:
        self._buckets = buckets

    @staticmethod
    def of(resources: Iterable[Resource]) -> SharedMap:
        return SharedMap().edited((), resources)

    def edited(self, gone: Iterable[str], made: Iterable[Resource]) -> SharedMap:
        """A map without the names in ``gone``, and with the resources in ``made``."""
        buckets = list(self._buckets)
        copied: dict[int, _Bucket] = {}

        def bucket(name: str) -> _Bucket:
            index = hash(name) % _COUNT
            if index not in copied:
                buckets[index] = copied[index] = dict(buckets[index])
            return copied[index]

        for name in gone:
            bucket(name).pop(name, None)
        for resource in made:
            bucket(resource.name)[resource.name] = resource
        return SharedMap(tuple(buckets)) if copied else self

    def over(self, other: SharedMap) -> SharedMap:
        """The resources of both maps. Those of this map take precedence."""
        pairs = zip(self._buckets, other._buckets, strict=True)
        return SharedMap(tuple(mine if mine is its else {**its, **mine} for mine, its in pairs))

    def changes(self, before: SharedMap) -> list[str]:
        """The names whose resource is not the same object in both maps, in alphabetical order:
        hashes, and so buckets, are others in each process."""
        names: list[str] = []
        for new, old in zip(self._buckets, before._buckets, strict=True):
            if new is not old:
                names += [name for name, resource in new.items() if old.get(name) is not resource]
                names += [name for name in old if name not in new]
        return sorted(names)

    def __getitem__(self, name: str) -> Resource:
        return self._buckets[hash(name) % _COUNT][name]

    def __contains__(self, name: object) -> bool:
        return name in self._buckets[hash(name) % _COUNT]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(name for bucket in self._buckets for name in bucket))

    def __len__(self) -> int:
        return sum(map(len, self._buckets))
