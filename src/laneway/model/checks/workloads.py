"""Workloads: services and lanes select some, those have the ports, and no port is fixed twice.

A mesh without workloads is one for a cluster, which has its own: nothing is missing then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding, ObjectKey, Path, Severity
from laneway.model.keys import key_of
from laneway.model.label_selectors import written
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.selection import Selection
from laneway.model.services import Service
from laneway.model.suggestions import listing

_THIS_MACHINE = re.compile(r"127\.[0-9.]+|0\.0\.0\.0|localhost|\[?::1\]?|\[?::\]?", re.IGNORECASE)


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    yield from _listen_ports(mesh)
    if not mesh.workloads:
        return
    selection = Selection(mesh)
    for service in mesh.services:
        yield from _ports(selection, service)
    if gaps.may_hold("Workload"):
        return
    for service in mesh.services:
        if service.selector and not selection.workloads(service):
            yield Finding(
                Code.SERVICE_WITHOUT_WORKLOADS,
                f"no Workload has the labels that Service {service.name} selects: "
                f"{written(service.selector)}",
                _elsewhere(selection, service)
                or f"label a Workload of namespace {service.name.namespace} so",
                key_of(service),
                ("spec", "selector"),
                Severity.WARNING,
            )
    for lane in mesh.lanes:
        yield from _selected(mesh, selection, lane)


def _selected(mesh: Mesh, selection: Selection, lane: Lane) -> Iterator[Finding]:
    services = (mesh.services_by_name.get(name) for name in lane.services)
    lacking = [
        service
        for service in services
        if service and selection.workloads(service) and not selection.workloads(service, lane)
    ]
    if lacking:
        causes = (_elsewhere(selection, each, lane) for each in lacking)
        yield Finding(
            Code.CODE_UNEFFECTED_SWIMLANE_LABEL,
            f"lane {lane.name} selects no Workload of {listing(str(s.name) for s in lacking)}: "
            f"{written(lane.selector, lane.match_expressions)}",
            next(filter(None, causes), "")
            or "label a Workload of each so, or leave the service out of the lane",
            key_of(lane),
            ("spec", "selector"),
            Severity.WARNING,
        )


def _elsewhere(selection: Selection, service: Service, lane: Lane | None = None) -> str:
    """What to do about a version that lives in another namespace; empty if there is none."""
    workload = selection.elsewhere(service, lane)
    if workload is None:
        return ""
    home = service.name.namespace
    return (
        f"Workload {workload.name} has the labels, but Service {service.name} selects only in its "
        f"own namespace: move the Workload to namespace {home}"
    )


def _ports(selection: Selection, service: Service) -> Iterator[Finding]:
    for index, port in enumerate(service.ports):
        for workload in selection.workloads(service):
            if workload.port(port.workload_port) is None:
                ports = ", ".join(f"{p.name} {p.number}".strip() for p in workload.ports)
                yield Finding(
                    Code.UNKNOWN_PORT,
                    f"Workload {workload.name}, which Service {service.name} selects, has no port"
                    f" {port.workload_port}",
                    f"its ports: {ports}",
                    key_of(service),
                    ("spec", "ports", index, "targetPort" if port.target else "port"),
                )


def _listen_ports(mesh: Mesh) -> Iterator[Finding]:
    """Ports that the user fixed on this machine, each to be had once."""
    fixed: list[tuple[int, ObjectKey, Path]] = [
        (port.listen, key_of(workload), ("spec", "ports", index, "listen"))
        for workload in mesh.workloads
        for index, port in enumerate(workload.ports)
        if port.listen
    ]
    fixed += [
        (server.listen, key_of(gateway), ("metadata", "annotations", "laneway.dev/listen-ports"))
        for gateway in mesh.gateways
        for server in gateway.plain
        if server.listen
    ]
    fixed += [
        (workload.outbound_port, key_of(workload), ("spec", "outboundPort"))
        for workload in mesh.workloads
        if workload.outbound_port
    ]
    owners: dict[int, ObjectKey] = {}
    for number, key, path in fixed:
        if number in owners:
            message = f"{owners[number]} already listens at port {number}"
            fix = "fix another port, or 0 to let laneway choose"
            yield Finding(Code.CONFLICTING_LISTEN_PORT, message, fix, key, path)
        else:
            owners[number] = key
    yield from _addresses_of_proxies(mesh, owners)


def _addresses_of_proxies(mesh: Mesh, owners: Mapping[int, ObjectKey]) -> Iterator[Finding]:
    """Applications are said to be where a proxy of the mesh listens: requests run in a circle."""
    for workload in mesh.workloads:
        host, _, port = (workload.address or "").rpartition(":")
        if port.isdecimal() and int(port) in owners and _THIS_MACHINE.fullmatch(host):
            yield Finding(
                Code.CONFLICTING_LISTEN_PORT,
                f"the proxy of {owners[int(port)]} listens at {workload.address}",
                "write the address where the application itself listens",
                key_of(workload),
                ("spec", "address"),
            )
