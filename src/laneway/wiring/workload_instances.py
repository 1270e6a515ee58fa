"""Counts the ready instances of a lane's services on this machine, and the errors of others.

Lanes' statuses contain them. A workload whose process cannot be started is not in the running mesh.
It is counted nevertheless, so that the lane's status reports it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from laneway.control import events
from laneway.control.declared import DeclaredState
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.selection import Selection
from laneway.model.workloads import Workload
from laneway.operator.ready_instances import Instances
from laneway.wiring.embedded import Embedded
from laneway.wiring.fleets import workload_of

_PROBLEMS = events.CrashLooping | events.GaveUp | events.Late | events.RestartFailed
_OVER = events.Ready | events.Stopped


@dataclass(frozen=True)
class _Declared:
    """Lookup tables for one state of the mesh."""

    state: DeclaredState
    active: Mesh
    selection: Selection
    failures: Mapping[ObjectName, str]


class WorkloadInstances:
    """Pass all events of the mesh to ``hear``. ``problems`` are of processes that go on."""

    def __init__(self, problems: Mapping[ObjectName, str] = MappingProxyType({})) -> None:
        self._problems = dict(problems)
        self._last: _Declared | None = None

    def hear(self, event: events.Event) -> None:
        if not isinstance(event.subject, events.WorkloadInstance):
            return
        name = workload_of(event.subject.instance)
        if isinstance(event, _PROBLEMS):
            self._problems[name] = events.report(event)
        elif isinstance(event, _OVER):
            self._problems.pop(name, None)

    def problems(self) -> Mapping[ObjectName, str]:
        """The errors of workloads that are not ready."""
        return dict(self._problems)

    def of(self, lane: Lane, embedded: Embedded) -> tuple[Instances, ...]:
        """In the order of the lane's services."""
        declared = self._declared(embedded.declarations.state, embedded.mesh)
        problems = {**self._problems, **declared.failures}
        counted = []
        for name in lane.services:
            service = declared.active.services_by_name.get(name)
            found = declared.selection.workloads(service, lane) if service else ()
            ready = sum(embedded.is_ready(each.name) for each in found)
            why = tuple(problems[each.name] for each in found if each.name in problems)
            counted.append(Instances(name, ready, len(found), why))
        return tuple(counted)

    def _declared(self, state: DeclaredState, active: Mesh) -> _Declared:
        last = self._last
        if last is None or last.state is not state or last.active is not active:
            failed = {each.name: why for each, why in _failures(state)}
            missing = (w for w, _ in _failures(state) if w.name not in active.workloads_by_name)
            every = replace(active, workloads=(*active.workloads, *missing))
            last = self._last = _Declared(state, active, Selection(every), failed)
        return last


def _failures(state: DeclaredState) -> list[tuple[Workload, str]]:
    """The workloads that could not be added to the mesh, each with the reason."""
    found = ((state.objects.by_key.get(f.key), f.finding.message) for f in state.failures)
    return [(o.declared, why) for o, why in found if o and isinstance(o.declared, Workload)]
