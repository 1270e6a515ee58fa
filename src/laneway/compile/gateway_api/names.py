"""Names of emitted objects. They are stable: a change of one lane renames nothing of another."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping

from laneway.compile.ir import MeshRoutes, ServiceRoutes
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

#: The longest name of a Service (a DNS label), and that of other objects' variable part.
_LABEL, _SLUG = 63, 100
_DIGEST = 8

#: (service, lane) -> the Service of that lane's instances.
LaneServices = Mapping[tuple[ObjectName, str], ObjectName]


def lane_services(mesh: Mesh, routes: MeshRoutes) -> LaneServices:
    """``SERVICE-LANE``. With a digest if that is too long, or if it is also the name of a declared
    Service or of another pair (``a-b`` and ``c``, ``a`` and ``b-c``)."""
    pairs = [
        (service.service.name, lane)
        for service in routes.services.values()
        for lane in served_lanes(service)
    ]
    plain = Counter(
        ObjectName(service.namespace, f"{service.name}-{lane}") for service, lane in pairs
    )
    names = {}
    for service, lane in pairs:
        name = ObjectName(service.namespace, f"{service.name}-{lane}")
        taken = plain[name] > 1 or name in mesh.services_by_name
        names[service, lane] = _told_apart(name, lane) if taken else _short(name, lane)
    return names


def served_lanes(routes: ServiceRoutes) -> dict[str, bool]:
    """The lanes that need a Service, and whether they contain the service. (A strict lane that does
    not contain it needs one without instances, because it must not fall back.)"""
    contained = {lane.name: True for lane in routes.subsets}
    lacking = {
        target.chain[0]: False
        for route in routes.by_port.values()
        for choice in route.choices
        for target in choice.lanes.values()
        if target.chain and target.chain[0] not in contained
    }
    return {**contained, **lacking}


def service_routes(service: ObjectName, port: int | None, part: int) -> ObjectName:
    """``part`` counts the HTTPRoutes into which a larger one is split, from 0."""
    at = f"-{port}" if port is not None else ""
    return ObjectName(service.namespace, f"{service.name}-lanes{at}{_part(part)}")


def gateway_routes(gateway: ObjectName, domain: str, port: int | None, part: int) -> ObjectName:
    """``*`` cannot stand in a name: a digest tells ``*.example.com`` from ``any.example.com``."""
    slug = domain.replace("*", "any")[:_SLUG].rstrip(".-")
    at = f"-{port}" if port is not None else ""
    digest = _digest([gateway.name, domain, port])
    return ObjectName(gateway.namespace, f"{gateway.name}{at}-{slug}-{digest}{_part(part)}")


def grant(gateway: ObjectName, service: ObjectName, part: int) -> ObjectName:
    """The name is unique in the service's namespace, also with gateways of several namespaces."""
    name = f"{service.name}-from-{gateway.name}.{gateway.namespace}{_part(part)}"
    return ObjectName(service.namespace, name)


def _part(part: int) -> str:
    return f"-{part + 1}" if part else ""


def _short(name: ObjectName, lane: str) -> ObjectName:
    return name if len(name.name) <= _LABEL else _told_apart(name, lane)


def _told_apart(name: ObjectName, lane: str) -> ObjectName:
    kept = name.name[: _LABEL - _DIGEST - 1].rstrip("-")
    return ObjectName(name.namespace, f"{kept}-{_digest([name.name, lane])}")


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:_DIGEST]
