"""The lifetime of lanes: which lanes are active at a given time.

A lane that is disabled or has expired is treated as if it were not declared: requests that name it
count as requests without a lane. A baseline is always active, because others rely on it. Only the
``active`` part of a mesh is compiled; checks read the whole.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh


def active(mesh: Mesh, now: datetime | None = None) -> Mesh:
    """The mesh without inactive lanes. The same object, if there are none.

    Without ``now``, no lane has expired.
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
    """When the next lane expires."""
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
