"""What applications do that no proxy can see: whom they call, and which headers they pass on.

The simulator's other input. ``infer`` guesses it from the mesh; a guess is all it can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.selection import Selection
from laneway.model.workloads import Workload

_URL = re.compile(r"\bhttp://([a-z0-9.-]+)(?::([0-9]{1,5}))?(?![a-z0-9:@.-])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Call:
    service: ObjectName
    port: int


@dataclass(frozen=True, slots=True)
class Applications:
    """By service: the calls that a request leads it to, in turn; the headers that it passes on."""

    calls: Mapping[ObjectName, tuple[Call, ...]] = field(default_factory=dict)
    passes_on: Mapping[ObjectName, frozenset[str]] = field(default_factory=dict)


def infer(mesh: Mesh) -> Applications:
    """Calls from URLs in workloads' environments; headers from the groups.

    A service calls what any of its workloads has the URL of. It passes on its group's trace header,
    and if it is in no group, those of all groups.
    """
    selection = Selection(mesh)
    calls = {
        service.name: tuple(
            dict.fromkeys(
                call
                for workload in selection.workloads(service)
                for call in _calls(mesh, workload)
                if call.service != service.name
            )
        )
        for service in mesh.services
    }
    every = frozenset(group.trace_header for group in mesh.groups)
    passes_on = {
        service.name: frozenset({group.trace_header})
        if (group := mesh.groups_by_service.get(service.name))
        else every
        for service in mesh.services
    }
    return Applications(calls, passes_on)


def _calls(mesh: Mesh, workload: Workload) -> Iterable[Call]:
    for value in workload.env.values():
        for host, port in _URL.findall(value):
            service = mesh.services_by_name.get(resolve(host, workload.name.namespace))
            number = int(port or 80)
            if service is not None and service.port(number) is not None:
                yield Call(service.name, number)


def resolve(host: str, namespace: str) -> ObjectName:
    """The service that ``host`` names for a workload of ``namespace`` (Kubernetes' DNS rules)."""
    name, _, rest = host.lower().partition(".")
    home = rest.removesuffix(".cluster.local").removesuffix(".svc")
    return ObjectName(home or namespace, name)
