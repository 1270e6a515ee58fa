"""How many instances of each service are ready in each lane of a cluster. Pure.

EndpointSlices say which pods are ready, and the labels of pods say which lane they belong to. Istio
routes by the same two; here they only inform the status of lanes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from laneway.compile.ownership import labels
from laneway.model.lanes import Lane
from laneway.model.names import ObjectName
from laneway.operator.manifests import Manifest

_SERVICE_NAME = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class Instances:
    """Of one service in one lane. ``problems`` say why some are not ready, where that is known."""

    service: ObjectName
    ready: int
    total: int
    problems: tuple[str, ...] = ()


class Readiness:
    """An index of the pods behind each service."""

    def __init__(self, slices: Collection[Manifest], pods: Collection[Manifest]) -> None:
        self._labels = {
            (pod["metadata"].get("namespace", ""), pod["metadata"]["name"]): labels(pod)
            for pod in pods
        }
        self._ready: dict[ObjectName, dict[str, bool]] = {}
        for manifest in slices:
            service = labels(manifest).get(_SERVICE_NAME)
            if service:
                self._add(ObjectName(manifest["metadata"].get("namespace", ""), service), manifest)

    def _add(self, service: ObjectName, manifest: Manifest) -> None:
        """A pod with addresses of both families stands in two slices, and counts once."""
        pods = self._ready.setdefault(service, {})
        for endpoint in manifest.get("endpoints") or ():
            pod = (endpoint.get("targetRef") or {}).get("name")
            if pod:
                # An unknown state is to be taken for ready, says Kubernetes.
                ready = (endpoint.get("conditions") or {}).get("ready") is not False
                pods[pod] = pods.get(pod, False) or ready

    def of(self, lane: Lane) -> tuple[Instances, ...]:
        """In the order of the lane's services."""
        return tuple(self._count(service, lane) for service in lane.services)

    def pods(self, service: ObjectName) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Names and labels of the pods behind the service."""
        for pod in self._ready.get(service, {}):
            yield pod, self._labels.get((service.namespace, pod), {})

    def _count(self, service: ObjectName, lane: Lane) -> Instances:
        selected = [
            ready
            for pod, ready in self._ready.get(service, {}).items()
            if lane.selects(self._labels.get((service.namespace, pod), {}))
        ]
        return Instances(service, sum(selected), len(selected))
