"""The baseline of a group that names none: recorded in the group's status, once. Pure.

Until then it is the group's first lane, by ``order`` and then by age. Creation times have whole
seconds: where two lanes are the first, the group has to say which of them is the baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from laneway.model.findings import Finding
from laneway.model.keys import key_of
from laneway.model.lanes import LaneGroup
from laneway.model.meshes import Mesh
from laneway.operator.manifests import Manifest
from laneway.schema import Alone


def recorded_baseline(manifest: Manifest) -> str | None:
    return (manifest.get("status") or {}).get("baseline")


def with_recorded_baseline(alone: Alone, manifest: Manifest) -> Alone:
    """The group with the baseline of its status, if it names none itself."""
    group, recorded = alone.declared, recorded_baseline(manifest)
    if recorded is None or not isinstance(group, LaneGroup) or group.baseline is not None:
        return alone
    return replace(alone, declared=replace(group, baseline=recorded))


def baseline_to_record(manifest: Manifest, mesh: Mesh) -> str | None:
    """For a group that is in the mesh its baseline, else what is recorded already."""
    if manifest["kind"] != "LaneGroup":
        return None
    group = mesh.groups_by_name.get(manifest["metadata"]["name"])
    baseline = mesh.baseline(group) if group is not None else None
    return baseline.name if baseline is not None else recorded_baseline(manifest)


def undecided_baselines(
    mesh: Mesh, manifests: Collection[Manifest], is_applied: Callable[[Manifest], bool]
) -> Iterator[Finding]:
    """Errors of groups that were never applied, and of whose lanes two are the first."""
    created = {
        each["metadata"]["name"]: str(each["metadata"].get("creationTimestamp") or "")
        for each in manifests
        if each["kind"] == "Lane"
    }
    applied = {
        each["metadata"]["name"]
        for each in manifests
        if each["kind"] == "LaneGroup" and is_applied(each)
    }
    for group in mesh.groups:
        lanes = mesh.lanes_by_group[group.name]
        if group.baseline is not None or group.name in applied or len(lanes) < 2:
            continue
        first = [
            lane.name
            for lane in lanes
            if lane.order == lanes[0].order and created[lane.name] == created[lanes[0].name]
        ]
        if len(first) > 1 and created[first[0]]:
            yield Finding(
                "UNDECIDED_BASELINE",
                f"lanes {', '.join(first[:4])} were created in the same second, so that none of "
                "them is the first",
                "name the baseline in spec.baseline, or give the lanes an order",
                key_of(group),
                ("spec", "baseline"),
            )
