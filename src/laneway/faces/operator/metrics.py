"""Metrics of the operator, in a registry of their own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from laneway.adapters.kube.resources import Resource
from laneway.operator.reconciler import Pass
from laneway.wiring.operators import Operator

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Named and labelled as Prometheus asks for: base units, ``_total`` for counters."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._passes = Histogram(
            "laneway_reconcile_seconds", "Time that a pass took.", registry=registry
        )
        self._operations = Counter(
            "laneway_operations", "Objects applied or deleted.", registry=registry
        )
        self._failures = Counter(
            "laneway_failures", "Operations and reports that failed.", registry=registry
        )
        self._calls = Counter(
            "laneway_api_calls",
            "Requests to the API server.",
            ["verb", "resource", "code"],
            registry=registry,
        )
        self._changes = Counter(
            "laneway_changes", "Changes seen, by resource.", ["resource"], registry=registry
        )
        self._leads = Gauge("laneway_leader", "Whether this replica leads.", registry=registry)
        self._objects = Gauge("laneway_objects", "Objects known.", ["resource"], registry=registry)

    def called(self, verb: str, resource: str, code: int) -> None:
        self._calls.labels(verb, resource, str(code)).inc()

    def changed(self, resource: Resource) -> None:
        self._changes.labels(resource.plural).inc()

    def passed(self, result: Pass, seconds: float) -> None:
        self._passes.observe(seconds)
        self._operations.inc(result.operations)
        self._failures.inc(result.failed)

    def text(self, operator: Operator) -> bytes:
        self._leads.set(operator.leads)
        for plural, number in (operator.cluster.sizes() if operator.cluster else {}).items():
            self._objects.labels(plural).set(number)
        return generate_latest(self.registry)
