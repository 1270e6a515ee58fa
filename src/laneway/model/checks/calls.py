"""Calls that workloads declare: they lead to services that are there, at ports that these have."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding, Path
from laneway.model.keys import key_of
from laneway.model.meshes import Mesh
from laneway.model.suggestions import listing, suggestion
from laneway.model.workloads import DeclaredCall


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    for workload in mesh.workloads:
        paths: dict[Path, DeclaredCall] = {
            ("spec", "callUrls", index): call for index, call in enumerate(workload.call_urls)
        }
        if workload.calls != workload.call_urls:  # as they are where only these are declared
            paths |= {("spec", "calls", i): call for i, call in enumerate(workload.calls or ())}
        for path, call in paths.items():
            service = mesh.services_by_name.get(call.service)
            if service is None:
                if not gaps.may_hold("Service", str(call.service)):
                    known = [str(name) for name in mesh.services_by_name]
                    fix = suggestion(str(call.service), known, f"declared: {listing(known)}")
                    message = f"there is no Service {call.service}"
                    yield Finding(Code.UNKNOWN_SERVICE, message, fix, key_of(workload), path)
            elif call.port is not None and service.port(call.port) is None:
                ports = ", ".join(str(port.port) for port in service.ports)
                message = f"Service {call.service} has no port {call.port}"
                fix = f"its ports: {ports}"
                yield Finding(Code.UNKNOWN_PORT, message, fix, key_of(workload), path)
