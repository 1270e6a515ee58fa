"""References: every name of another object leads to one that is declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding, ObjectKey, Path
from laneway.model.keys import key_of
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.machine_defaults import without_common_port
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.suggestions import listing, suggestion


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    for group in mesh.groups:
        yield from _group(mesh, gaps, group)
    members = {group.name: frozenset(group.services) for group in mesh.groups}
    for lane in mesh.lanes:
        yield from _lane(mesh, gaps, lane, members.get(lane.group, frozenset()))


def _group(mesh: Mesh, gaps: Gaps, group: LaneGroup) -> Iterator[Finding]:
    for index, service in enumerate(group.services):
        if service not in mesh.services_by_name and not gaps.may_hold("Service", str(service)):
            message = f"there is no Service {service}"
            fix = _service_fix(service, mesh.services_by_name)
            if ObjectKey("Service", str(service)) in gaps.left_out:
                message = f"Service {service} has no TCP ports, so it can have no lanes"
                fix = "remove it from the group and its lanes"
            elif without_common_port(mesh, service):
                fix = f"declare it: the Workloads of app {service.name} have no port in common"
            yield Finding(
                Code.UNKNOWN_SERVICE,
                message,
                fix,
                key_of(group),
                ("spec", "services", index, "name"),
            )
    gateway = group.gateway
    unknown = gateway is not None and gateway not in mesh.gateways_by_name
    if unknown and not gaps.may_hold("Gateway", str(gateway)):
        declared = [str(name) for name in mesh.gateways_by_name]
        fix = suggestion(str(gateway), declared, _declared("Gateway", declared))
        message = f"there is no Gateway {gateway}"
        path: Path = ("spec", "gateway", "name")
        yield Finding(Code.UNKNOWN_GATEWAY, message, fix, key_of(group), path)


def _lane(mesh: Mesh, gaps: Gaps, lane: Lane, members: frozenset[ObjectName]) -> Iterator[Finding]:
    group = mesh.groups_by_name.get(lane.group)
    if group is None:
        if not gaps.may_hold("LaneGroup", lane.group):
            declared = list(mesh.groups_by_name)
            fix = suggestion(lane.group, declared, _declared("lane group", declared))
            message = f"there is no lane group {lane.group}"
            yield Finding(Code.UNKNOWN_GROUP, message, fix, key_of(lane), ("spec", "group"))
        return
    for index, service in enumerate(lane.services):
        if service not in members:
            yield _stranger(mesh, gaps, lane, group, service, ("spec", "services", index, "name"))
    for index, rule in enumerate(lane.ingress):
        if rule.destination not in members:
            path: Path = ("spec", "ingress", index, "destination", "service", "name")
            yield _stranger(mesh, gaps, lane, group, rule.destination, path)
        elif rule.destination in mesh.services_by_name:
            ports = [port.port for port in mesh.services_by_name[rule.destination].ports]
            if rule.port is not None and rule.port not in ports:
                yield Finding(
                    Code.UNKNOWN_PORT,
                    f"Service {rule.destination} has no port {rule.port}",
                    f"its ports: {', '.join(map(str, ports))}",
                    key_of(lane),
                    ("spec", "ingress", index, "destination", "port"),
                )


def _stranger(
    mesh: Mesh, gaps: Gaps, lane: Lane, group: LaneGroup, service: ObjectName, path: Path
) -> Finding:
    """A lane's service that its group lacks: a misspelt name, or one to add to the group."""
    declared = [name for name in group.services if name in mesh.services_by_name]
    fix = _service_fix(service, declared)
    known = service in mesh.services_by_name or gaps.may_hold("Service", str(service))
    if not known:
        message = f"there is no Service {service}"
        return Finding(Code.UNKNOWN_SERVICE, message, fix, key_of(lane), path)
    same = next((each for each in group.services if each.name == service.name), None)
    if same is not None:
        message = f"Service {service} is not in lane group {group.name}, which has {same}"
        fix = (
            f"write {same}: a lane's versions are workloads of the group's own Service, in its "
            f"namespace {same.namespace}"
        )
        return Finding(Code.SERVICE_NOT_IN_GROUP, message, fix, key_of(lane), path)
    message = f"Service {service} is not in lane group {group.name}"
    services = listing(map(str, declared))
    fix = f"add it to the group's services, or choose one of them: {services}"
    return Finding(Code.SERVICE_NOT_IN_GROUP, message, fix, key_of(lane), path)


def _service_fix(service: ObjectName, options: Iterable[ObjectName]) -> str:
    """The same name in another namespace, else the near miss, else what there is."""
    names = list(options)
    elsewhere = next((name for name in names if name.name == service.name), None)
    if elsewhere is not None:
        return f"did you mean {elsewhere}?"
    words = [str(name) for name in names]
    return suggestion(str(service), words, _declared("Service", words))


def _declared(kind: str, names: list[str]) -> str:
    return f"declared: {listing(names)}" if names else f"declare a {kind} of that name"
