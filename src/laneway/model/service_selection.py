"""Finds the services that select a workload: the inverse of ``Selection``."""

from __future__ import annotations

from collections.abc import Iterable

from laneway.model.names import ObjectName
from laneway.model.services import Service
from laneway.model.workloads import Workload


class ServiceSelection:
    """Label queries over services, indexed so that a query reads only candidates."""

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
