"""Workloads to assume for a mesh that declares none: one for each service in each lane.

Such a mesh is meant for a cluster, where the workloads are. With assumed workloads, simulated
requests are answered, and an example can show which lane a request goes to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import count

from laneway.model.label_selectors import admitted
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import Service
from laneway.model.workloads import Workload, WorkloadPort


def populated(mesh: Mesh) -> Mesh:
    """The mesh, with assumed workloads if it declares none."""
    return mesh if mesh.workloads else replace(mesh, workloads=tuple(_stand_ins(mesh)))


def _stand_ins(mesh: Mesh) -> Iterator[Workload]:
    lanes: dict[ObjectName, list[Lane]] = {}
    for lane in mesh.lanes:
        for name in lane.services:
            lanes.setdefault(name, []).append(lane)
    for service in mesh.services:
        if service.selector:
            for lane in lanes.get(service.name, ()):
                yield _workload(service, f"{service.name.name}-{lane.name}", _labels(service, lane))
            if service.name not in lanes:
                yield _workload(service, service.name.name, {})


def _workload(service: Service, name: str, labels: Mapping[str, str]) -> Workload:
    # A named port has no number yet, so any number will do.
    targets = dict.fromkeys(port.workload_port for port in service.ports)
    ports = tuple(
        WorkloadPort(target) if isinstance(target, int) else WorkloadPort(number, target)
        for number, target in enumerate(targets, start=1)
    )
    identity = ObjectName(service.name.namespace, name)
    return Workload(identity, {**service.selector, **labels}, ports)


def _labels(service: Service, lane: Lane) -> Mapping[str, str]:
    """Labels that the lane selects. Empty if no labels can meet its selector."""
    asked = admitted(service.selector, lane.selector, lane.match_expressions)
    present = {key: states for key, states in asked.items() if not states.absent}
    return {
        key: min(states.values) if not states.others else _other_than(states.values)
        for key, states in present.items()
        if not states.impossible
    }


def _other_than(values: Collection[str]) -> str:
    return next(text for number in count() if (text := f"any{number or ''}") not in values)
