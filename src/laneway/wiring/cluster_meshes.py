"""The mesh that the objects of a cluster declare, for a client that asks about it. Pure.

The simulator routes to workloads, and a cluster has pods instead. So one workload, ``cart@s1``,
stands for all pods of a service in a lane. The lane's status says whether any of them is ready.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from laneway.adapters.kube.resources import DECLARED, GATEWAYS, LANES, SERVICES
from laneway.adapters.kube.retained_fields import trim_of
from laneway.compile.simulate import InactiveLanes, inactive_lanes
from laneway.model.findings import Finding
from laneway.model.label_selectors import LabelStates, admitted
from laneway.model.lane_lives import active
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import Service
from laneway.model.workloads import Workload, WorkloadPort
from laneway.operator.acceptance import accept, by_age
from laneway.operator.decoded_manifests import DecodedManifests
from laneway.operator.manifests import Manifest, key_of
from laneway.schema import assemble

_DECLARED = frozenset(each.kind for each in DECLARED)
#: Objects in clusters may have newer fields than laneway knows.
_TRIMS = {each.kind: trim_of(each) for each in (*DECLARED, SERVICES, GATEWAYS)}


@dataclass(frozen=True, slots=True)
class ClusterMesh:
    """``declared`` also has the lanes that are inactive at ``at``; ``errors`` are those of the
    objects that were left out. ``unready`` are workloads without a ready pod; ``unknown`` are
    workloads of lanes whose status does not count pods. Services outside of lanes have no status at
    all."""

    declared: Mesh
    at: datetime
    errors: tuple[Finding, ...]
    unready: frozenset[ObjectName]
    unknown: frozenset[ObjectName]

    @property
    def mesh(self) -> Mesh:
        """The mesh that should run."""
        return active(self.declared, self.at)

    @property
    def inactive(self) -> InactiveLanes:
        return inactive_lanes(self.declared, self.at)


def cluster_mesh(manifests: Collection[Manifest], at: datetime) -> ClusterMesh:
    """Objects are accepted by the operator's rules; kinds that it does not read are ignored."""
    read = [_TRIMS[each["kind"]](dict(each)) for each in manifests if each["kind"] in _TRIMS]
    lanes = by_age(each for each in read if each["kind"] in _DECLARED)
    context = [each for each in read if each["kind"] not in _DECLARED]
    decoded = DecodedManifests()
    acceptance = accept(lanes, context, decoded)
    accepted = [each for each in (*lanes, *context) if key_of(each) not in acceptance.left_out]
    # Acceptance keeps only active lanes.
    declared, _ = assemble(map(decoded.of, accepted))
    pods = dict(_workloads(declared))
    ready = _ready_pods(lanes)
    counted = {name: ready.get(of) for name, (_, of) in pods.items()}
    return ClusterMesh(
        replace(declared, workloads=tuple(workload for workload, _ in pods.values())),
        at,
        tuple(each for found in acceptance.findings.values() for each in found),
        frozenset(name for name, number in counted.items() if number == 0),
        frozenset(name for name, number in counted.items() if number is None and pods[name][1][0]),
    )


#: A lane's name ("" for no lane) and a service.
_Subset = tuple[str, ObjectName]


def _workloads(mesh: Mesh) -> Iterator[tuple[ObjectName, tuple[Workload, _Subset]]]:
    """One workload for each service of each lane, and for each service outside of lanes."""
    for service in mesh.services:
        group = mesh.groups_by_service.get(service.name)
        lanes = mesh.subsets.get((group.name, service.name), ()) if group else ()
        for lane in lanes or (None,):
            workload = _workload(service, lane)
            yield workload.name, (workload, (lane.name if lane else "", service.name))


def _workload(service: Service, lane: Lane | None) -> Workload:
    name = f"{service.name.name}@{lane.name}" if lane else service.name.name
    states = admitted(service.selector, lane.selector, lane.match_expressions) if lane else {}
    labels = {key: _value(each) for key, each in states.items() if not each.absent}
    return Workload(
        ObjectName(service.name.namespace, name),
        {**service.selector, **labels},
        tuple(_port(port.workload_port, port.port) for port in service.ports),
    )


def _value(states: LabelStates) -> str:
    """One of the permitted values of the label."""
    if not states.others:
        return min(states.values, default="")
    return "x".join(["", *sorted(states.values), ""])


def _port(target: int | str, number: int) -> WorkloadPort:
    return WorkloadPort(target) if isinstance(target, int) else WorkloadPort(number, target)


def _ready_pods(lanes: Collection[Manifest]) -> Mapping[_Subset, int]:
    """The numbers of ready pods from the lanes' statuses."""
    found: dict[_Subset, int] = {}
    for manifest in lanes:
        status: Mapping[str, Any] = manifest.get("status") or {}
        for each in status.get("services") or () if manifest["kind"] == LANES.kind else ():
            service = ObjectName(each["namespace"], each["name"])
            found[manifest["metadata"]["name"], service] = each["ready"]
    return found
