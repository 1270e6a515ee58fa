"""The parts of an object that are owned and merged separately.

Objects are split into fields, lists are not, unless the schema gives their items keys
(https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Keys of objects; "*" stands for an item of a list.
Place = tuple[str, ...]

_KEYS = "x-kubernetes-list-map-keys"
_ATOMIC = {"x-kubernetes-map-type": "atomic"}


@dataclass(frozen=True, slots=True)
class Structure:
    """``keyed``: the lists whose items have keys, each with its default (None: it has none).

    ``atomic``: objects that have one owner as a whole.
    """

    keyed: Mapping[Place, Mapping[str, Any]] = field(default_factory=dict)
    atomic: frozenset[Place] = frozenset()

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> Structure:
        """Of a structural schema, such as a CustomResourceDefinition has."""
        keyed: dict[Place, Mapping[str, Any]] = {}
        atomic: set[Place] = set()
        for place, part in _parts((), schema):
            if part.get("x-kubernetes-list-type") == "map":
                properties = part["items"]["properties"]
                keyed[place] = {key: properties[key].get("default") for key in part[_KEYS]}
            elif part.items() >= _ATOMIC.items():
                atomic.add(place)
        return cls(keyed, frozenset(atomic))

    def item_keys(self, place: Place, item: object) -> Mapping[str, Any] | None:
        """The keys of an item of the list at ``place``, or None if the list is one value as a
        whole."""
        defaults = self.keyed.get(place)
        if defaults is None or not isinstance(item, Mapping):
            return None
        keys = {name: item.get(name, default) for name, default in defaults.items()}
        return None if None in keys.values() else keys

    def is_split(self, place: Place, items: Sequence[object]) -> bool:
        """Whether the items of this list are owned separately: each has distinct keys."""
        keys = [self.item_keys(place, item) for item in items]
        known = [tuple(each.items()) for each in keys if each is not None]
        return place in self.keyed and len(set(known)) == len(items)


def _parts(place: Place, schema: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    yield place, schema
    for name, part in schema.get("properties", {}).items():
        yield from _parts((*place, name), part)
    if isinstance(items := schema.get("items"), Mapping):
        yield from _parts((*place, "*"), items)


#: Levels of lists and objects within an object.
MOST_DEPTH = 100


def is_deeper(value: Any, levels: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(levels == 0 or is_deeper(each, levels - 1) for each in inside)


def copied(value: Any) -> Any:
    """A deep copy without shared parts, so that each part can be changed in place. Aliases in YAML
    make several references to one value; here each becomes a value of its own."""
    return json.loads(json.dumps(value))
