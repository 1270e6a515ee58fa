"""Meshes of test applications in a chain a -> b -> c, under one gateway, with the article's lanes.

``s1`` (baseline) has all three, ``s2`` has a and c, ``s3`` has b.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tests.compile.meshes import GATEWAY, TRACE_HEADER, group, lane, name, rule, service

from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.meshes import Mesh
from laneway.model.workloads import ReadinessProbe, RestartPolicy, Workload, WorkloadPort

LANES = {"s1": "a b c", "s2": "a c", "s3": "b"}
#: The versions that answer a request to each lane, from a to c.
SERVED = {
    "s1": ["a-s1", "b-s1", "c-s1"],
    "s2": ["a-s2", "b-s1", "c-s2"],
    "s3": ["a-s1", "b-s3", "c-s1"],
}
_UPSTREAMS = {"a": "b", "b": "c", "c": None}


def chain(application: str, *, trace_header: str = TRACE_HEADER, scheme: str = "") -> Mesh:
    """``application`` is a module of this folder; ``scheme`` is what ``UPSTREAM`` begins with."""
    workloads = tuple(
        _workload(application, app, lane_name, _upstream(app, scheme))
        for lane_name, apps in LANES.items()
        for app in apps.split()
    )
    lanes = tuple(lane(lane_name, apps, rule("a")) for lane_name, apps in LANES.items())
    return Mesh(
        (group("a b c", trace_header=trace_header),),
        lanes,
        tuple(service(app) for app in _UPSTREAMS),
        workloads,
        (Gateway(GATEWAY, (GatewayServer(80, "http"),)),),
    )


def pair(application: str, **env: str) -> Mesh:
    """Service a alone, in lanes s1 (baseline) and s2."""
    return _pair(*(_workload(application, "a", lane_name, env) for lane_name in ("s1", "s2")))


def outside(s1: str, s2: str) -> Mesh:
    """As ``pair``, of applications that run at these addresses already.

    They are asked once whether they are ready and then hardly ever: whether one is still there is
    for the proxies to find out.
    """
    return _pair(
        *(
            replace(
                _workload("", "a", lane_name, {}),
                command=(),
                address=address,
                readiness=ReadinessProbe(period=600),
            )
            for lane_name, address in (("s1", s1), ("s2", s2))
        )
    )


def _pair(*workloads: Workload) -> Mesh:
    lanes = tuple(lane(lane_name, "a", rule("a")) for lane_name in ("s1", "s2"))
    gateways = (Gateway(GATEWAY, (GatewayServer(80, "http"),)),)
    return Mesh((group("a"),), lanes, (service("a"),), workloads, gateways)


def _upstream(app: str, scheme: str) -> Mapping[str, str]:
    upstream = _UPSTREAMS[app]
    return {"UPSTREAM": f"{scheme}{upstream}:8000"} if upstream else {}


def _workload(application: str, app: str, lane_name: str, env: Mapping[str, str]) -> Workload:
    return Workload(
        name(f"{app}-{lane_name}"),
        {"app": app, "version": f"v-{lane_name}"},
        (WorkloadPort(8000),),
        command=(sys.executable, str(Path(__file__).with_name(f"{application}.py"))),
        env={"VERSION": f"{app}-{lane_name}", **env},
        readiness=ReadinessProbe(period=0.2),
        restart=RestartPolicy.NEVER,
    )
