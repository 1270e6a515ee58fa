"""The phases of a change, so that no proxy ever routes to something that another lacks: pure.

Make before break, across all proxies: what is new is *added* everywhere and warmed while requests
still take the old routes; then everybody is *switched* to the new routes while the old clusters
are still there; then what is old is *removed*. ``plane`` waits between phases.
"""

from __future__ import annotations

import enum
from collections import ChainMap
from collections.abc import Mapping

from laneway.compile.snapshots import CLUSTER, ENDPOINT, LISTENER, ROUTE, Snapshot

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
    snapshots = dict(before)
    for node, snapshot in after.items():
        old = before.get(node)
        snapshots[node] = snapshot if old is None else _compose(old, snapshot, phase)
    return snapshots


def _compose(before: Snapshot, after: Snapshot, phase: Phase) -> Snapshot:
    clusters = ChainMap(dict(after.resources(CLUSTER)), dict(before.resources(CLUSTER)))
    first, second = (before, after) if phase is Phase.ADD else (after, before)
    endpoints = ChainMap(dict(first.resources(ENDPOINT)), dict(second.resources(ENDPOINT)))
    if phase is Phase.ADD:
        listeners, routes = before.resources(LISTENER), before.resources(ROUTE)
    else:
        listeners = ChainMap(dict(after.resources(LISTENER)), dict(before.resources(LISTENER)))
        routes = ChainMap(dict(after.resources(ROUTE)), dict(before.resources(ROUTE)))
    return Snapshot({CLUSTER: clusters, ENDPOINT: endpoints, LISTENER: listeners, ROUTE: routes})
