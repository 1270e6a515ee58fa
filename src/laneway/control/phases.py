"""The phases of a change, so that no proxy ever routes to something that another lacks: pure.

Make before break, across all proxies: what is new is *added* everywhere and warmed while requests
still take the old routes; then everybody is *switched* to the new routes while the old clusters
are still there; then what is old is *removed*. ``control_plane`` waits between phases.
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
    REMOVE = "remove"


def compose(before: Snapshots, after: Snapshots, phase: Phase) -> Snapshots:
    """What every proxy should have in ``phase`` of the change from ``before`` to ``after``.

    A proxy that is only in one of the two has that one's snapshot throughout; those only in
    ``before`` are gone from the last phase.
    """
    if phase is Phase.REMOVE:
        return after
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
    """Both have the same types: those of a sidecar, or of a gateway."""
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
    """Unions of resources, made once for all the proxies that share what is united."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int], Resources] = {}

    def of(self, first: Resources, second: Resources) -> Resources:
        """All of both; ``first`` wins. Layers are united one by one."""
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
