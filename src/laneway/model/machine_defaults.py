"""What a mesh on one machine has without declaring it: Services and gateways.

In a cluster, Services and gateways exist anyway. On one machine they would be declared for laneway
alone, so laneway assumes them where nothing of the kind is declared. ``up`` and ``serve`` run what
is assumed. What is rendered for a cluster needs the real objects there, and ``assumptions`` says
which. The operator assumes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from laneway.model.findings import Finding, ObjectKey, Severity
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.group_defaults import mesh_of
from laneway.model.keys import Declared, key_of
from laneway.model.lanes import LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.names import DEFAULT_NAMESPACE, ObjectName, is_label
from laneway.model.selection import Selection
from laneway.model.services import Service, ServicePort
from laneway.model.workloads import Workload

#: The code of what is assumed, where a cluster must have it.
ASSUMED_OBJECT = "ASSUMED_OBJECT"
#: The label that names a workload's Service.
APP = "app"
#: The port of assumed gateways, and of assumed Services besides those of their workloads.
PORT = 80


def machine_mesh_of(
    declared: Sequence[Declared], known: Collection[ObjectKey] | None = None
) -> Mesh:
    """``mesh_of``, with the Services and gateways that are assumed.

    ``known`` are the keys of all objects that are declared, if ``declared`` are only the valid
    ones: nothing is assumed in the place of an object that has errors.
    """
    mesh = mesh_of(declared)
    if known is None:
        known = frozenset(map(key_of, declared))
    services = tuple(_services(mesh, known))
    if any(key.kind == "Gateway" for key in known):
        return replace(mesh, services=(*mesh.services, *services)) if services else mesh
    groups = tuple(_with_gateway(mesh, group) for group in mesh.groups)
    gateways = tuple(_gateways(groups))
    if not (services or gateways):
        return mesh
    return replace(mesh, groups=groups, services=(*mesh.services, *services), gateways=gateways)


def without_common_port(mesh: Mesh, name: ObjectName) -> bool:
    """Whether no Service ``name`` is assumed because its workloads have no port in common."""
    workloads = _by_app(mesh.workloads).get(name)
    return workloads is not None and not _ports(workloads)


def attributed(mesh: Mesh, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Findings about assumed objects, as findings about the declared object that they are for."""
    owners: Mapping[ObjectKey, Finding] | None = None
    for finding in findings:
        if owners is None:
            owners = {key_of(each): _about(each) for each in _assumed(mesh)}
        about = owners.get(finding.subject) if finding.subject else None
        yield (
            finding if about is None else replace(finding, subject=about.subject, path=about.path)
        )


def assumptions(mesh: Mesh) -> Iterator[Finding]:
    """A warning for each assumed object, which a cluster must have."""
    for each in _assumed(mesh):
        yield _about(each)


def _assumed(mesh: Mesh) -> Iterator[Service | Gateway]:
    yield from (service for service in mesh.services if service.assumed_for)
    yield from (gateway for gateway in mesh.gateways if gateway.assumed_for)


def _about(assumed: Service | Gateway) -> Finding:
    if isinstance(assumed, Service):
        ports = ", ".join(f"{port.port} to {port.workload_port}" for port in assumed.ports)
        message = f"Service {assumed.name} is not declared: assumed with the ports {ports}"
        path = ("metadata", "labels", APP)
    else:
        message = f"Gateway {assumed.name} is not declared: assumed with port {PORT} and any host"
        path = ("spec", "gateway", "name")
    fix = "the cluster must have it; declare it here, too, so that it is checked"
    return Finding(ASSUMED_OBJECT, message, fix, assumed.assumed_for, path, Severity.WARNING)


def _with_gateway(mesh: Mesh, group: LaneGroup) -> LaneGroup:
    """A group that has rules and names no gateway has one of its own name."""
    if group.gateway is not None or not any(
        lane.ingress for lane in mesh.lanes_by_group[group.name]
    ):
        return group
    return replace(group, gateway=ObjectName(DEFAULT_NAMESPACE, group.name))


def _gateways(groups: Iterable[LaneGroup]) -> Iterator[Gateway]:
    by_name: dict[ObjectName, list[LaneGroup]] = {}
    for group in groups:
        if group.gateway is not None:
            by_name.setdefault(group.gateway, []).append(group)
    for name, members in by_name.items():
        owner = next((group for group in members if group.listen), members[0])
        server = GatewayServer(PORT, "http", listen=owner.listen or 0)
        yield Gateway(name, (server,), assumed_for=key_of(owner))


def _services(mesh: Mesh, known: Collection[ObjectKey]) -> Iterator[Service]:
    """One for each ``app`` whose workloads are not all behind a declared Service."""
    by_app = {
        name: workloads
        for name, workloads in _by_app(mesh.workloads).items()
        if name not in mesh.services_by_name and ObjectKey("Service", str(name)) not in known
    }
    if not by_app:
        return
    selection = Selection(mesh)
    selected = {each.name for service in mesh.services for each in selection.workloads(service)}
    for name, workloads in by_app.items():
        ports = _ports(workloads)
        if ports and not all(each.name in selected for each in workloads):
            yield Service(name, ports, {APP: name.name}, assumed_for=key_of(workloads[0]))


def _by_app(workloads: Iterable[Workload]) -> Mapping[ObjectName, list[Workload]]:
    found: dict[ObjectName, list[Workload]] = {}
    for workload in workloads:
        app = workload.labels.get(APP)
        if app is not None and is_label(app):
            found.setdefault(ObjectName(workload.name.namespace, app), []).append(workload)
    return found


def _ports(workloads: Sequence[Workload]) -> tuple[ServicePort, ...]:
    """Those that all workloads have, and port 80, which leads to the first of them."""
    first, *others = workloads
    common = [port for port in first.ports if all(each.port(port.number) for each in others)]
    ports = [
        ServicePort(port.number, f"{port.name or 'http'}-{port.number}", port.number)
        for port in common
    ]
    if common and not any(port.port == PORT for port in ports):
        ports.insert(0, ServicePort(PORT, f"{common[0].name or 'http'}-{PORT}", common[0].number))
    return tuple(ports)
