"""The behaviour of applications that no proxy can see: their calls, and the headers they pass on.

It is the other input of the simulator. ``infer`` guesses it from the mesh.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.selection import Selection
from laneway.model.workloads import Workload

_MOCK = "laneway-mock"
_LOOPBACK = re.compile(r"127(\.[0-9]{1,3}){3}|0\.0\.0\.0")
_URL = re.compile(r"\bhttp://([a-z0-9.-]+)(?::([0-9]{1,5}))?(?![a-z0-9:@.-])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """A call to a service. With ``past_sidecar`` it is a call by ``caller`` to a loopback port of
    that workload, which bypasses the caller's sidecar."""

    service: ObjectName
    port: int
    past_sidecar: ObjectName | None = None
    caller: ObjectName | None = None


@dataclass(frozen=True, slots=True)
class Applications:
    """By service, the calls that it makes for each request, in order, and the headers it passes on.

    ``unknown`` are the services whose calls are not known.
    """

    calls: Mapping[ObjectName, tuple[Call, ...]] = field(default_factory=dict)
    passes_on: Mapping[ObjectName, frozenset[str]] = field(default_factory=dict)
    unknown: frozenset[ObjectName] = frozenset()


def infer(mesh: Mesh) -> Applications:
    """Reads calls from the workloads (``calls``, or URLs in ``env``), and headers from the groups.

    A service makes the calls of all of its workloads. It passes on the trace header of its group,
    or those of all groups if it is in none.
    """
    selection = Selection(mesh)
    listeners = listeners_of(mesh)
    calls = {
        service.name: tuple(
            dict.fromkeys(
                call
                for workload in selection.workloads(service)
                for call in _calls(mesh, workload, listeners)
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
    unknown = frozenset(
        service.name
        for service in mesh.services
        if not calls[service.name] and not any(map(_declares_calls, selection.workloads(service)))
    )
    return Applications(calls, passes_on, unknown)


def _declares_calls(workload: Workload) -> bool:
    """Whether all calls are known. laneway's mock only makes the calls in its environment."""
    return workload.calls is not None or workload.command[:1] == (_MOCK,)


def _calls(
    mesh: Mesh, workload: Workload, listeners: Mapping[int, tuple[Workload, int]]
) -> Iterable[Call]:
    if workload.calls is not None:
        for declared in workload.calls:
            called = mesh.services_by_name.get(declared.service)
            if called is not None and (at := called.port(declared.port)) is not None:
                yield Call(called.name, at.port)
        return
    for value in workload.env.values():
        for host, port in urls(value):
            if is_this_machine(host):
                yield from _past_sidecar(mesh, workload, listeners.get(port))
                continue
            service = mesh.services_by_name.get(resolve(host, workload.name.namespace))
            if service is not None and service.port(port) is not None:
                yield Call(service.name, port)


def urls(text: str) -> Iterable[tuple[str, int]]:
    """Host and port of each URL in a text."""
    return ((host, int(port or 80)) for host, port in _URL.findall(text))


def is_this_machine(host: str) -> bool:
    return host.lower() == "localhost" or _LOOPBACK.fullmatch(host) is not None


def listeners_of(mesh: Mesh) -> Mapping[int, tuple[Workload, int]]:
    """Ports of this machine, each with the workload and the port of it that they lead to.

    They are the configured ports of sidecars, and the ports of applications that run already.
    """
    found = {
        port.listen: (workload, port.number)
        for workload in mesh.workloads
        for port in workload.ports
        if port.listen
    }
    for workload in mesh.workloads:
        host, _, port = (workload.address or "").rpartition(":")
        if port.isdecimal() and is_this_machine(host):
            found.setdefault(int(port), (workload, workload.ports[0].number))
    return found


def _past_sidecar(
    mesh: Mesh, caller: Workload, listener: tuple[Workload, int] | None
) -> Iterable[Call]:
    if listener is None or listener[0] is caller:
        return
    called, number = listener
    for service in mesh.services:
        for port in service.ports:
            is_its = service.name.namespace == called.name.namespace and service.selector
            if is_its and called.is_selected(service.selector):
                target = called.port(port.workload_port)
                if target is not None and target.number == number:
                    yield Call(service.name, port.port, called.name, caller.name)
                    return


def resolve(host: str, namespace: str) -> ObjectName:
    """The service that ``host`` names for a workload of ``namespace`` (Kubernetes' DNS rules)."""
    name, _, rest = host.lower().partition(".")
    home = rest.removesuffix(".cluster.local").removesuffix(".svc")
    return ObjectName(home or namespace, name)
