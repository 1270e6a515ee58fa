"""The inputs of endpoints: the state of each workload, and the services that select it.

If one workload changes, only the endpoints of its services are built again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Placements, SidecarPlacement
from laneway.model.service_selection import ServiceSelection
from laneway.model.services import Service
from laneway.model.workloads import Workload

_State = tuple[Workload, SidecarPlacement | None, bool]


@dataclass(frozen=True, slots=True, eq=False)
class EndpointInputs:
    """``services``: workload -> the services that select it. ``states``: workload -> the workload
    itself, its placement, and whether it is ready."""

    mesh: Mesh = field(default_factory=Mesh)
    services: Mapping[ObjectName, tuple[ObjectName, ...]] = field(default_factory=dict)
    states: Mapping[ObjectName, _State] = field(default_factory=dict)

    @staticmethod
    def of(mesh: Mesh, placements: Placements, before: EndpointInputs) -> EndpointInputs:
        """Uses ``before`` again where the services and workloads are the same objects."""
        known = before.mesh
        same = known.services is mesh.services and known.workloads is mesh.workloads
        services = before.services if same else selecting(mesh.services, mesh.workloads)
        states = {
            workload.name: (
                workload,
                placements.sidecars.get(workload.name),
                workload.name in placements.ready,
            )
            for workload in mesh.workloads
        }
        return EndpointInputs(mesh, services, states)

    def moved(self, before: EndpointInputs) -> set[ObjectName]:
        """The services whose workloads, or the states of these, differ from ``before``."""
        return {
            service
            for workload in self.states.keys() | before.states.keys()
            if self.states.get(workload) != before.states.get(workload)
            for each in (self, before)
            for service in each.services.get(workload, ())
        }


def selecting(
    services: Iterable[Service], workloads: Iterable[Workload]
) -> Mapping[ObjectName, tuple[ObjectName, ...]]:
    """Workload -> the services that select it."""
    selection = ServiceSelection(services)
    return {workload.name: selection.services(workload) for workload in workloads}
