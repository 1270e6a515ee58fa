"""Which workloads stand behind a service, and behind a lane's subset of it.

Read by the checks, the endpoint emitter and the simulator, so that all see the same instances.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from laneway.model.callers import Callers
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.services import Service
from laneway.model.workloads import Workload


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
    def callers(self) -> Callers:
        return Callers(self._mesh)

    @cached_property
    def _by_label(self) -> Mapping[tuple[str, str, str], list[Workload]]:
        index: dict[tuple[str, str, str], list[Workload]] = {}
        for workload in self._mesh.workloads:
            for key, value in workload.labels.items():
                index.setdefault((workload.name.namespace, key, value), []).append(workload)
        return index
