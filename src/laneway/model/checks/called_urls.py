"""URLs of services in workloads' environments that no sidecar takes: a wrong port, or ``https``, or
``localhost`` with the port of a Service."""

from __future__ import annotations

import re
from collections.abc import Iterator

from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding, Severity
from laneway.model.keys import key_of
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import Service
from laneway.model.workloads import Workload

_URL = re.compile(r"(https?|grpcs?)://([a-z0-9.-]+)(?::([0-9]{1,5}))?(?![\w.:@-])", re.IGNORECASE)
_THIS_MACHINE = re.compile(r"localhost|127\.[0-9.]+|0\.0\.0\.0", re.IGNORECASE)
_SUFFIX = re.compile(r"\.svc(\.cluster\.local)?\.?$")


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    del gaps  # only Services that were read are called
    taken = _fixed_ports(mesh)
    for workload in mesh.workloads:
        for variable, value in workload.env.items():
            for scheme, host, port in _URL.findall(value):
                if _THIS_MACHINE.fullmatch(host):
                    number = int(port or 80)
                    if scheme.lower() == "http" and number not in taken:
                        yield from _on_this_machine(mesh, workload, variable, host, number)
                    continue
                name = _service(host.lower(), workload.name.namespace)
                if service := mesh.services_by_name.get(name):
                    yield from _called(workload, variable, service, scheme.lower(), port)


def _on_this_machine(
    mesh: Mesh, workload: Workload, variable: str, host: str, port: int
) -> Iterator[Finding]:
    """A port of a Service is no port of the machine: laneway chooses those."""
    services = [each.name for each in mesh.services if each.port(port) is not None]
    if services:
        names = ", ".join(f"http://{each.name}:{port}" for each in services[:3])
        message = (
            f"http://{host}:{port} is this machine, where nothing of the mesh listens at {port}"
        )
        fix = f"call a service by its name: {names}"
        subject, path = key_of(workload), ("spec", "env", variable)
        yield Finding(Code.CALL_AT_WRONG_PORT, message, fix, subject, path, Severity.WARNING)


def _fixed_ports(mesh: Mesh) -> set[int]:
    """Of this machine, as far as they are declared: ``CALL_PAST_SIDECAR`` is for those."""
    addresses = (each.address for each in mesh.workloads if each.address is not None)
    gateways = (server for gateway in mesh.gateways for server in gateway.plain)
    return {
        *(int(address.rpartition(":")[2]) for address in addresses),
        *(port.listen for each in mesh.workloads for port in each.ports if port.listen),
        *(each.outbound_port for each in mesh.workloads if each.outbound_port),
        *(each.port if each.listen is None else each.listen for each in gateways),
    }


def _service(host: str, home: str) -> ObjectName:
    name, _, namespace = _SUFFIX.sub("", host).partition(".")
    return ObjectName(namespace or home, name)


def _called(
    workload: Workload, variable: str, service: Service, scheme: str, port: str
) -> Iterator[Finding]:
    ports = ", ".join(str(each.port) for each in service.ports)
    subject, path = key_of(workload), ("spec", "env", variable)
    if scheme.endswith("s"):
        message = (
            f"{scheme}://{service.name.name}: a sidecar cannot look into TLS, so the call passes "
            "it by, and the name is known to no other"
        )
        fix = f"write {scheme[:-1]}:// and one of the ports {ports}: it stays on this machine"
        yield Finding(Code.CALL_BY_TLS, message, fix, subject, path, Severity.WARNING)
    elif service.port(int(port or 80)) is None:
        message = f"Service {service.name} has no port {port or 80}"
        fix = f"its ports: {ports}"
        yield Finding(Code.CALL_AT_WRONG_PORT, message, fix, subject, path, Severity.WARNING)
