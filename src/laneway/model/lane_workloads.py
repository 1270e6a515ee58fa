"""Which lanes each workload serves in. Pure; tables of workloads show it."""

from __future__ import annotations

from collections.abc import Mapping

from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.selection import Selection


def lanes_by_workload(mesh: Mesh) -> Mapping[ObjectName, Mapping[str, None]]:
    """In the order of the groups and their lanes; none for workloads in no lane."""
    selection = Selection(mesh)
    found: dict[ObjectName, dict[str, None]] = {}
    for group in mesh.groups:
        for lane in mesh.lanes_by_group[group.name]:
            for name in lane.services:
                service = mesh.services_by_name.get(name)
                for workload in selection.workloads(service, lane) if service else ():
                    found.setdefault(workload.name, {})[lane.name] = None
    return found
