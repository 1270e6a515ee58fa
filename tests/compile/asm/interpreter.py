"""ASM as its documentation has it: what its proxies do, given documents and ready workloads.

- VirtualService: as Istio has it. A destination is the service's workloads with the subset's
  labels; where the subset does not exist or none of them is ready, it is the route's ``fallback``.
- ``$asm-label`` is the lane that the sidecar knows the request's trace id to be of.
- TrafficLabel: the sidecar remembers *trace id -> lane*, and names the lane in the route header of
  calls; what such a memory does is the simulator's business.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.compile.request_paths import Path
from tests.compile.virtual_services import (
    Arrival,
    Resource,
    called_route,
    called_service,
    gateway_route,
)

from laneway.compile.ir import TraceMemory
from laneway.compile.simulate import Applications, Request
from laneway.compile.simulate.gateways import FRESH_ID
from laneway.compile.simulate.path_normalization import split_target
from laneway.compile.simulate.trace_memories import TraceMemories
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import Service
from laneway.model.trace_contexts import trace_id
from laneway.model.workloads import Workload

_LABEL = re.compile(r"\$getExternalInboundRequestHeader\((?P<route>\S+), (?P<trace>\S+)\)")


@dataclass(frozen=True, slots=True)
class _Call:
    caller: Workload
    host: str
    port: int
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Asm:
    """``documents`` in the order of their creation."""

    mesh: Mesh
    documents: Sequence[Resource]
    ready: Collection[ObjectName]

    def path(self, request: Request, port: int, applications: Applications) -> Path:
        """The hops of a request that enters by the mesh's only gateway."""
        (gateway,) = self.mesh.gateways
        target = split_target(request.path)
        if target is None:
            return [400]
        arrival = Arrival(port, request.header_lines, *target, request.method)
        route = gateway_route(self._of("VirtualService"), gateway, request.host, arrival)
        if route is None:
            return [404]
        headers = {name: ",".join(values) for name, values in arrival.lines.items()}
        headers.setdefault("x-request-id", FRESH_ID)  # every gateway of Envoy's does this
        host, workloads = self._served(route, None, "")
        return self._walk(host, workloads, headers, applications)

    def _walk(
        self,
        host: str,
        workloads: list[Workload],
        headers: Mapping[str, str],
        applications: Applications,
    ) -> Path:
        path: Path = []
        memories = TraceMemories()
        pending: list[_Call] = []
        while True:
            path.append((host, tuple(workload.name for workload in workloads)))
            if not workloads:
                return [*path, 503]
            service, names = self._service(host), [workload.name for workload in workloads]
            for memory in self._memories(workloads[0]):
                memories = memories.receive(memory, names, headers)
            kept = {name.lower() for name in applications.passes_on.get(service.name, ())}
            passed = {name: value for name, value in headers.items() if name in kept}
            calls = reversed(applications.calls.get(service.name, ()))
            pending += [_Call(workloads[0], c.service.host, c.port, passed) for c in calls]
            if not pending:
                return path
            call = pending.pop()
            headers, label = self._sent(call, memories)
            spec = called_service(self._of("VirtualService"), call.host)
            arrival = Arrival(
                call.port,
                {name: (value,) for name, value in headers.items()},
                labels=call.caller.labels,
                namespace=call.caller.name.namespace,
            )
            route = None if spec is None else called_route(spec, arrival)
            if spec is not None and route is None:
                return [*path, 404]
            if route is None:
                host, workloads = call.host, self._instances(call.host, call.port, {})
            else:
                host, workloads = self._served(route, call.port, label)

    def _sent(self, call: _Call, memories: TraceMemories) -> tuple[Mapping[str, str], str]:
        """The headers of a call as it leaves the caller's sidecar, and ``$asm-label``."""
        headers, label = call.headers, ""
        for memory in self._memories(call.caller):
            trace = trace_id(memory.trace_header, headers.get(memory.trace_header.lower(), ""))
            label = memories.lanes.get((call.caller.name, trace), "") if trace else ""
            headers, _ = memories.send(memory, call.caller.name, headers)
        return headers, label

    def _served(self, route: Resource, port: int | None, label: str) -> tuple[str, list[Workload]]:
        """``port``: that of the call, where the destination does not say."""
        (wanted,) = route["route"]
        several = [wanted["destination"]]
        several += [wanted["fallback"]["target"]] if "fallback" in wanted else []
        host, workloads = several[0]["host"], list[Workload]()
        for one in several:
            subset = one.get("subset", "").replace("$asm-label", label)
            labels = self._labels(host, subset) if "subset" in one else {}
            number = one.get("port", {}).get("number", port)
            if labels is not None:
                workloads = self._instances(host, number, labels)
            if workloads:
                break
        return host, workloads

    def _instances(self, host: str, port: int | None, labels: Mapping[str, str]) -> list[Workload]:
        service = self._service(host)
        if not service.selector:
            return []
        number = service.ports[0].port if port is None else port
        target = next(p for p in service.ports if p.port == number).workload_port
        return [
            workload
            for workload in self.mesh.workloads
            if workload.name.namespace == service.name.namespace
            and workload.name in self.ready
            and workload.is_selected({**service.selector, **labels})
            and workload.port(target)
        ]

    def _labels(self, host: str, subset: str) -> Mapping[str, str] | None:
        for document in self._of("DestinationRule"):
            if document["spec"]["host"] == host:
                for one in document["spec"]["subsets"]:
                    if one["name"] == subset:
                        labels: Mapping[str, str] = one["labels"]
                        return labels
        return None

    def _memories(self, workload: Workload) -> Iterator[TraceMemory]:
        for document in self._of("TrafficLabel"):
            metadata, spec = document["metadata"], document["spec"]
            in_namespace = metadata["namespace"] == workload.name.namespace
            if in_namespace and workload.is_selected(spec["workloadSelector"]["labels"]):
                (text,) = spec["rules"][0]["labels"][0]["valueFrom"]
                found = _LABEL.fullmatch(text)
                assert found is not None, text
                group = metadata["labels"]["swimlane-group"]
                yield TraceMemory(group, found["route"], found["trace"])

    def _service(self, host: str) -> Service:
        return next(service for service in self.mesh.services if service.host == host)

    def _of(self, kind: str) -> Iterable[Resource]:
        return (document for document in self.documents if document["kind"] == kind)
