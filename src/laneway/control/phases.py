"""The phases of a change, in which no proxy ever routes to a resource that another lacks. Pure.

Make before break, across all proxies. New resources are *added* everywhere and warmed while
requests still take the old routes. Then all proxies are *switched* to the new routes while the old
clusters still exist. Old resources are removed when the change is active. ``control_plane`` waits
for each phase.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from laneway.compile.resources import CLUSTER, ENDPOINT, Layers, Resources, Snapshot
from laneway.compile.shared_map import SharedMap

Snapshots = Mapping[str, Snapshot]


class Phase(enum.Enum):
    ADD = "add"
    SWITCH = "switch"


def compose(before: Snapshots, after: Snapshots, phase: Phase) -> Snapshots:
    """The snapshots of all proxies in ``phase`` of the change from ``before`` to ``after``.

    A proxy that is in only one of the two has the same snapshot in all phases.
    """
    unions = _Unions()
    snapshots = dict(before)
    for node, snapshot in after.items():
        old = before.get(node)
        both = (
            snapshot if old is None or old is snapshot else _compose(old, snapshot, phase, unions)
        )
        snapshots[node] = both
    return snapshots


def _compose(before: Snapshot, after: Snapshot, phase: Phase, unions: _Unions) -> Snapshot:
    """Both snapshots have the same resource types: those of a sidecar, or of a gateway."""
    types: dict[str, Resources] = {}
    for type_url, new in after.types.items():
        old = before.resources(type_url)
        if phase is Phase.SWITCH or type_url == CLUSTER:
            types[type_url] = unions.of(new, old)
        elif type_url == ENDPOINT:
            types[type_url] = unions.of(old, new)
        else:
            types[type_url] = old
    return Snapshot(types)


class _Unions:
    """Unions of resources. Each is built once for all proxies that share the resources."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int], Resources] = {}

    def of(self, first: Resources, second: Resources) -> Resources:
        """The resources of both; those of ``first`` take precedence. Layers are united each."""
        if first is second:
            return first
        if isinstance(first, Layers) and isinstance(second, Layers):
            return Layers(self.of(first.own, second.own), self.of(first.shared, second.shared))
        key = id(first), id(second)
        if key not in self._made:
            if isinstance(first, SharedMap) and isinstance(second, SharedMap):
                self._made[key] = first.over(second)
            else:
                self._made[key] = {**second, **first}
        return self._made[key]
