"""Which workloads stand behind a service, and behind a lane's subset of it.

Read by the checks, the endpoint emitter and the simulator, so that all see the same instances.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from laneway.model.lanes import Lane
from laneway.model.names import ObjectName
from laneway.model.services import Service
from laneway.model.workloads import Workload

if TYPE_CHECKING:
    from laneway.model.meshes import Mesh


class Selection:
    """Label queries over a mesh's workloads, indexed so that a query reads only candidates."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh

    def workloads(self, service: Service, lane: Lane | None = None) -> tuple[Workload, ...]:
        """The service's workloads (Kubernetes: its own namespace only), or those of its subset.

        A service without a selector selects nothing, as in Kubernetes.
        """
        if not service.selector:
            return ()
        label = next(iter(service.selector.items()))
        candidates = self._by_label.get((service.name.namespace, *label), ())
        selector = service.selector if lane is None else {**service.selector, **lane.selector}
        if lane is not None and not all(
            selector[key] == value for key, value in service.selector.items()
        ):
            return ()
        return tuple(w for w in candidates if w.is_selected(selector))

    @cached_property
    def _by_label(self) -> Mapping[tuple[str, str, str], list[Workload]]:
        index: dict[tuple[str, str, str], list[Workload]] = {}
        for workload in self._mesh.workloads:
            for key, value in workload.labels.items():
                index.setdefault((workload.name.namespace, key, value), []).append(workload)
        return index


class ServiceSelection:
    """The same the other way round: which services select a workload."""

    def __init__(self, services: Iterable[Service]) -> None:
        self._by_label: dict[tuple[str, str, str], list[Service]] = {}
        for service in services:
            if service.selector:
                label = next(iter(service.selector.items()))
                self._by_label.setdefault((service.name.namespace, *label), []).append(service)

    def services(self, workload: Workload) -> tuple[ObjectName, ...]:
        return tuple(
            service.name
            for label in workload.labels.items()
            for service in self._by_label.get((workload.name.namespace, *label), ())
            if workload.is_selected(service.selector)
        )
