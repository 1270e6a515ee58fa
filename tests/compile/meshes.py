"""Meshes for tests of the compiler, short to write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.lanes import IngressRule, Lane, LaneGroup
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import Service, ServicePort
from laneway.model.workloads import Workload, WorkloadPort

GATEWAY = ObjectName("istio-system", "ingressgateway")
ROUTE_HEADER = "x-lane"
TRACE_HEADER = "x-trace"


def name(text: str) -> ObjectName:
    return ObjectName("default", text)


def exact(value: str) -> StringMatch:
    return StringMatch(MatchKind.EXACT, value)


def prefix(value: str) -> StringMatch:
    return StringMatch(MatchKind.PREFIX, value)


def regex(value: str) -> StringMatch:
    return StringMatch(MatchKind.REGEX, value)


def service(text: str, *ports: int) -> Service:
    numbers = ports or (8000,)
    return Service(name(text), tuple(ServicePort(p) for p in numbers), {"app": text})


def workload(app: str, version: str, calls: str = "") -> Workload:
    """``<app>-<version>``; ``calls`` are services that it has the URLs of, parted by spaces."""
    return Workload(
        name(f"{app}-{version}"),
        {"app": app, "version": version},
        (WorkloadPort(8000),),
        command=("true",),
        env={f"URL_{c}": f"http://{c}:8000/" for c in calls.split()},
    )


def rule(to: str, **fields: Any) -> IngressRule:
    return IngressRule("r", name(to), **fields)


def lane(
    lane_name: str, services: str, *ingress: IngressRule, group: str = "test", **fields: Any
) -> Lane:
    """A lane of version ``v-<name>``; ``services`` are names parted by spaces."""
    contained = tuple(map(name, services.split()))
    selector = {"version": f"v-{lane_name}"}
    return Lane(lane_name, group, selector, contained, ingress, **fields)


def group(services: str, group_name: str = "test", **fields: Any) -> LaneGroup:
    """A group that routes by trace id, unless ``trace_header`` says otherwise."""
    settings = {
        "route_header": ROUTE_HEADER,
        "trace_header": TRACE_HEADER,
        "gateway": GATEWAY,
        **fields,
    }
    members = tuple(map(name, services.split()))
    return LaneGroup(group_name, members, **settings)


def mesh(
    groups: Sequence[LaneGroup],
    lanes: Sequence[Lane],
    services: Sequence[Service],
    calls: Mapping[str, str] | None = None,
    hosts: tuple[str, ...] = ("*",),
) -> Mesh:
    """With a workload for every service in every lane's version, contained or not.

    ``calls``: service -> the services that it calls.
    """
    versions = dict.fromkeys(["v-none", *(f"v-{lane.name}" for lane in lanes)])
    workloads = tuple(
        workload(s.name.name, version, (calls or {}).get(s.name.name, ""))
        for s in services
        for version in versions
    )
    gateway = Gateway(GATEWAY, (GatewayServer(80, "http", hosts=hosts),))
    return Mesh(tuple(groups), tuple(lanes), tuple(services), workloads, (gateway,))
