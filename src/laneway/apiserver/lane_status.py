"""The status of lanes and lane groups that run on one machine. Pure.

The conditions are those that the operator reports in a cluster. Here Programmed means that every
connected proxy has acknowledged the object's current generation; proxies that are away catch up
when they reconnect. A proxy that has just connected, or that does not answer, counts as not having
acknowledged it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from laneway.control.control_plane import rejected
from laneway.control.declared import DeclaredState
from laneway.control.proxies import ProxyStatus
from laneway.model.acceptance import Standing
from laneway.model.findings import Finding, ObjectKey
from laneway.model.lane_lives import Inactive, inactive
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.times import timestamp
from laneway.operator.ready_instances import Instances
from laneway.operator.recorded_baselines import baseline_to_record, recorded_baseline
from laneway.operator.status import (
    Condition,
    accepted,
    lane_of,
    not_accepted,
    not_counting,
    not_ready,
    status_of,
)

CountInstances = Callable[[Lane], tuple[Instances, ...]]


@dataclass(frozen=True, slots=True)
class Proxies:
    """The number of proxies, how many are connected, and what those reject. ``behind`` has the node
    ids of connected proxies that have not acknowledged the active mesh yet."""

    total: int
    connected: int
    rejections: Sequence[str] = ()
    behind: Sequence[str] = ()


def proxies_of(
    statuses: Sequence[ProxyStatus], is_behind: Callable[[ProxyStatus], bool]
) -> Proxies:
    """Summarizes the statuses of all proxies of the mesh."""
    return Proxies(
        len(statuses),
        sum(status.connected for status in statuses),
        [text for status in statuses for text in rejected(status)],
        [status.node for status in statuses if is_behind(status)],
    )


def lane_status(
    manifest: Mapping[str, Any],
    state: DeclaredState,
    active: Mesh,
    proxies: Proxies,
    instances: CountInstances,
    now: datetime,
) -> dict[str, Any] | None:
    """The status of a LaneGroup or a Lane, or None if the declared state does not have it yet.

    It equals the status in ``manifest`` if nothing has changed.
    """
    key = _key(manifest)
    if key not in state.objects.by_key:
        return None
    status = state.status(key)
    lane = lane_of(manifest, active)
    programmed = _programmed(key, manifest, state, proxies)
    if lane is None and (why := _inactive(key, state, now)):
        programmed = not_counting(manifest, why)
    counted = instances(lane) if lane is not None else None
    ready = _ready(programmed, lane, counted)
    of_lane = counted if key.kind == "Lane" else None
    found = (accepted(status.findings), programmed, ready)
    baseline = baseline_to_record(manifest, state.mesh)
    return status_of(manifest, found, of_lane, timestamp(now), baseline)


def unreadable_status(
    manifest: Mapping[str, Any], findings: Sequence[Finding], now: datetime
) -> dict[str, Any]:
    """The status of a stored object that this version of laneway cannot read."""
    programmed = Condition("Programmed", False, "NotAccepted", "it cannot be read")
    found = (accepted(findings), programmed, _ready(programmed, None, None))
    return status_of(manifest, found, None, timestamp(now), recorded_baseline(manifest))


def _key(manifest: Mapping[str, Any]) -> ObjectKey:
    name = manifest["metadata"]["name"]
    if manifest["kind"] == "LaneGroup":
        return ObjectKey("LaneGroup", name)
    return ObjectKey("Lane", f"{manifest['spec']['group']}/{name}")


def _inactive(key: ObjectKey, state: DeclaredState, now: datetime) -> Inactive | None:
    """The reason why a valid lane does not run although its group does."""
    lane = state.objects.by_key[key].declared
    if not isinstance(lane, Lane) or lane.group not in state.mesh.groups_by_name:
        return None
    if state.status(key).standing is Standing.NOT_ACCEPTED:
        return None
    return inactive(state.mesh, lane, now)


def _programmed(
    key: ObjectKey, manifest: Mapping[str, Any], state: DeclaredState, proxies: Proxies
) -> Condition:
    group = key.name.partition("/")[0]
    standing = state.status(key).standing
    wrong = sorted({str(other) for other, _ in state.resolution.errors})
    if condition := not_accepted(standing, manifest, group, wrong):
        return condition
    if proxies.rejections:
        return Condition("Programmed", False, "RejectedByProxies", "\n".join(proxies.rejections))
    if proxies.behind:
        count = f"{len(proxies.behind)} of {proxies.total} proxies"
        message = f"{count} have not acknowledged it yet: {', '.join(proxies.behind)}"
        return Condition("Programmed", False, "NotAcknowledged", message)
    away = proxies.total - proxies.connected
    message = f"{away} of {proxies.total} proxies are not connected" if away else ""
    return Condition("Programmed", True, "AcknowledgedByProxies", message)


def _ready(
    programmed: Condition, lane: Lane | None, instances: Sequence[Instances] | None
) -> Condition:
    if condition := not_ready(programmed):
        return condition
    if lane is None or instances is None:
        return Condition("Ready", False, "NotActive", "the object has no active state")
    lacking = [str(each.service) for each in instances if not each.ready]
    problems = [problem for each in instances for problem in each.problems]
    if lacking:
        why = f"no ready instance in lane {lane.name} of {', '.join(lacking)}"
        return Condition("Ready", False, "NoReadyInstance", "\n".join([why, *problems]))
    return Condition("Ready", True, "InstancesReady", "\n".join(problems))
