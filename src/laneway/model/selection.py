"""Finds the workloads of a service, and of a lane's subset of it.

The checks, the endpoint emitter and the simulator all use it, so they see the same instances.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from laneway.model.callers import Callers
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import Service
from laneway.model.workloads import Workload


class Selection:
    """Label queries over a mesh's workloads, indexed so that a query reads only candidates."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._of_services: dict[tuple[str, frozenset[tuple[str, str]]], tuple[Workload, ...]] = {}

    def workloads(self, service: Service, lane: Lane | None = None) -> tuple[Workload, ...]:
        """The service's workloads (Kubernetes: its own namespace only), or those of its subset.

        A service without a selector selects nothing, as in Kubernetes.
        """
        if not service.selector:
            return ()
        if lane is None:
            key = service.name.namespace, frozenset(service.selector.items())
            if key not in self._of_services:
                candidates = self._candidates(service, service.selector)
                self._of_services[key] = tuple(
                    each for each in candidates if each.is_selected(service.selector)
                )
            return self._of_services[key]
        return tuple(
            workload
            for workload in self._candidates(service, {**service.selector, **lane.selector})
            if workload.is_selected(service.selector) and lane.selects(workload.labels)
        )

    def _candidates(self, service: Service, labels: Mapping[str, str]) -> Sequence[Workload]:
        """Those with the rarest of the labels."""
        namespace = service.name.namespace
        return min((self._by_label.get((namespace, *each), ()) for each in labels.items()), key=len)

    def elsewhere(self, service: Service, lane: Lane | None = None) -> Workload | None:
        """A workload with the labels in another namespace than the service's, which is not of a
        lane group's Service there."""
        label = next(iter(service.selector.items()), ("", ""))
        candidates = self._by_label_anywhere.get(label, ())
        others = (
            workload
            for workload in candidates
            if workload.name.namespace != service.name.namespace
            and workload.is_selected(service.selector)
            and (lane is None or lane.selects(workload.labels))
            and workload.name not in self._grouped
        )
        return next(others, None)

    @cached_property
    def _grouped(self) -> frozenset[ObjectName]:
        """The workloads of Services that are in lane groups."""
        of = self._mesh.services_by_name
        services = (of[name] for name in self._mesh.groups_by_service if name in of)
        return frozenset(each.name for service in services for each in self.workloads(service))

    @cached_property
    def _by_label_anywhere(self) -> Mapping[tuple[str, str], list[Workload]]:
        index: dict[tuple[str, str], list[Workload]] = {}
        for (_, key, value), workloads in self._by_label.items():
            index.setdefault((key, value), []).extend(workloads)
        return index

    @cached_property
    def callers(self) -> Callers:
        return Callers(self._mesh)

    @cached_property
    def _by_label(self) -> Mapping[tuple[str, str, str], list[Workload]]:
        index: dict[tuple[str, str, str], list[Workload]] = {}
        for workload in self._mesh.workloads:
            for key, value in workload.labels.items():
                index.setdefault((workload.name.namespace, key, value), []).append(workload)
        return index
