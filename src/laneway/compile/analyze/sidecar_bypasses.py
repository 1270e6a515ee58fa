"""Calls to ``http://localhost:PORT``, where PORT is one of the mesh: they bypass the sidecar.

Proxy settings (``NO_PROXY``) exclude this machine, so such a call always reaches the same workload,
whatever lane the request is in.
"""

from __future__ import annotations

from collections.abc import Iterator

from laneway.compile.analyze.codes import Code
from laneway.compile.analyze.reachability import Survey
from laneway.compile.simulate.applications import is_this_machine, listeners_of, urls
from laneway.model.findings import Finding, ObjectKey, Severity
from laneway.model.keys import key_of
from laneway.model.meshes import Mesh
from laneway.model.workloads import Workload


def check(survey: Survey) -> Iterator[Finding]:
    mesh = survey.mesh
    listeners = {port: key_of(workload) for port, (workload, _) in listeners_of(mesh).items()}
    for gateway in mesh.gateways:
        for server in gateway.plain:
            listeners.setdefault(
                server.port if server.listen is None else server.listen, key_of(gateway)
            )
    for workload in mesh.workloads:
        yield from _calls(mesh, workload, listeners)


def _calls(mesh: Mesh, workload: Workload, listeners: dict[int, ObjectKey]) -> Iterator[Finding]:
    for variable, value in workload.env.items():
        for host, port in urls(value):
            called = listeners.get(port) if is_this_machine(host) else None
            if called is not None and called != key_of(workload):
                yield Finding(
                    Code.CALL_PAST_SIDECAR,
                    f"{host}:{port} is a port of {called}: the call bypasses the sidecar of its "
                    "caller, so it goes there whatever its lane, and the lane is lost",
                    "write the URL of the service, as in http://cart:80/",
                    key_of(workload),
                    ("spec", "env", variable),
                    Severity.WARNING,
                )
