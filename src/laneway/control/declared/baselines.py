"""The baselines of lane groups that name none: recorded once, and not derived again. Pure.

A group's first lane becomes its baseline when the group is first accepted. From then on the group
keeps it, whatever lanes come or go, until the group itself names another. If that lane is removed,
the group names a baseline that is not there, which is an error.

What is declared as a whole, such as files, has its order in it: there the first lane is the
baseline each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from laneway.control.declared.objects import Objects
from laneway.control.declared.requests import Put, Remove, ReplaceAll, Request, Write
from laneway.model.findings import ObjectKey
from laneway.model.lanes import LaneGroup
from laneway.model.meshes import Mesh

#: Lane group -> lane.
Baselines = Mapping[str, str]


def kept_baselines(known: Baselines, objects: Objects, request: Request) -> Baselines:
    """What groups keep when ``request`` has made these ``objects``."""
    kept = {**known}
    if isinstance(request, Write):
        edits: tuple[Put | Remove, ...] | ReplaceAll = (request.edit,)
    else:
        edits = request.edits
    if isinstance(edits, ReplaceAll):
        for each in objects.ordered:
            if isinstance(each.declared, LaneGroup) and each.source == request.source:
                kept.pop(each.declared.name, None)
        return kept
    for edit in edits:
        if edit.key.kind != "LaneGroup":
            continue
        if isinstance(edit, Remove):
            kept.pop(edit.key.name, None)
        elif edit.recorded_baseline is not None:
            kept[edit.key.name] = edit.recorded_baseline
    return kept


def with_baselines(mesh: Mesh, kept: Baselines) -> Mesh:
    """The same object unless a group's first lane is another than the one that it keeps."""
    groups = tuple(_with_baseline(mesh, group, kept.get(group.name)) for group in mesh.groups)
    changed = any(one is not other for one, other in zip(groups, mesh.groups, strict=True))
    return replace(mesh, groups=groups) if changed else mesh


def _with_baseline(mesh: Mesh, group: LaneGroup, kept: str | None) -> LaneGroup:
    if kept is None or group.baseline is not None:
        return group
    first = mesh.baseline(group)
    return group if first is not None and first.name == kept else replace(group, baseline=kept)


def recorded(kept: Baselines, objects: Objects, mesh: Mesh) -> Baselines:
    """``kept``, and the baselines of the groups that are accepted in ``mesh``."""
    declared = {name: lane for name, lane in kept.items() if _key(name) in objects.by_key}
    found = ((group.name, mesh.baseline(group)) for group in mesh.groups)
    return {**declared, **{name: lane.name for name, lane in found if lane is not None}}


def _key(group: str) -> ObjectKey:
    return ObjectKey("LaneGroup", group)
