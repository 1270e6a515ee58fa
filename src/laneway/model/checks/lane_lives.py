"""Lives of lanes: a baseline is never disabled, and what has expired is not applied again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding, Severity
from laneway.model.keys import key_of
from laneway.model.lane_lives import is_baseline
from laneway.model.meshes import Mesh
from laneway.model.times import timestamp


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    if gaps.may_hold("Lane") or gaps.may_hold("LaneGroup"):
        return
    for lane in mesh.lanes:
        if not is_baseline(mesh, lane):
            continue
        if not lane.enabled:
            yield Finding(
                Code.BASELINE_DISABLED,
                f"lane {lane.name} serves as a baseline, and is disabled",
                "enable it, or name another lane in the group's baseline and serviceBaselines",
                key_of(lane),
                ("spec", "enabled"),
            )
        if lane.expires_at is not None:
            yield Finding(
                Code.NO_EFFECT,
                f"lane {lane.name} serves as a baseline, and does not expire while it does",
                "remove it, if the lane is to stay",
                key_of(lane),
                ("spec", "expiresAt"),
                Severity.WARNING,
            )


def expired(mesh: Mesh, now: datetime) -> Iterator[Finding]:
    """Errors for whoever applies the mesh at ``now``; not among ``check``, which knows no time."""
    for lane in mesh.lanes:
        if lane.expires_at is not None and lane.expires_at <= now and not is_baseline(mesh, lane):
            yield Finding(
                Code.LANE_EXPIRED,
                f"lane {lane.name} expired at {timestamp(lane.expires_at)}",
                "remove the lane, or give it another time",
                key_of(lane),
                ("spec", "expiresAt"),
            )
