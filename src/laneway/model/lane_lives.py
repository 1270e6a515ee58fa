"""The life of lanes: which of them count at a moment.

A lane that is disabled, or whose time is over, is as if it were not declared: requests that name it
count as without a lane. A lane that serves as a baseline counts always, since others rely on it.
Whoever compiles a mesh compiles what is ``active``; checks look at what is declared.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh


def active(mesh: Mesh, now: datetime | None = None) -> Mesh:
    """The mesh without the lanes that do not count, and the same object if there are none.

    Without ``now`` no lane's time is over.
    """
    gone = {(lane.group, lane.name) for lane in mesh.lanes if not counts(mesh, lane, now)}
    if not gone:
        return mesh
    lanes = (lane for lane in mesh.lanes if (lane.group, lane.name) not in gone)
    return replace(mesh, lanes=tuple(_without_fallback(lane, gone) for lane in lanes))


def counts(mesh: Mesh, lane: Lane, now: datetime | None = None) -> bool:
    is_over = lane.expires_at is not None and now is not None and lane.expires_at <= now
    return (lane.enabled and not is_over) or is_baseline(mesh, lane)


def is_baseline(mesh: Mesh, lane: Lane) -> bool:
    """Whether the lane answers for others, for its group or for one of the services."""
    group = mesh.groups_by_name.get(lane.group)
    if group is None:
        return False
    baseline = mesh.baseline(group)
    named = baseline is not None and baseline.name == lane.name
    return named or lane.name in group.service_baselines.values()


def next_expiry(mesh: Mesh, now: datetime) -> datetime | None:
    """When the next lane ceases to count."""
    times = (
        lane.expires_at
        for lane in mesh.lanes
        if lane.expires_at is not None
        and lane.expires_at > now
        and lane.enabled
        and not is_baseline(mesh, lane)
    )
    return min(times, default=None)


def _without_fallback(lane: Lane, gone: set[tuple[str, str]]) -> Lane:
    kept = tuple(name for name in lane.fallback if (lane.group, name) not in gone)
    return lane if kept == lane.fallback else replace(lane, fallback=kept)
