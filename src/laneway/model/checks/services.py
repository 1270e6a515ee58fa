"""Services of groups that can have no lanes, because no label tells their instances apart."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding, Severity
from laneway.model.keys import key_of
from laneway.model.meshes import Mesh
from laneway.model.services import Service


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    del gaps  # a service that was read says so itself
    for group in mesh.groups:
        for index, name in enumerate(group.services):
            service = mesh.services_by_name.get(name)
            if service is not None and not service.selector:
                yield Finding(
                    Code.SERVICE_WITHOUT_LANES,
                    f"Service {name} {_reason(service)}, so no lane has instances of it, the "
                    "baseline included: calls to it are answered 503",
                    "remove it from the group and its lanes",
                    key_of(group),
                    ("spec", "services", index, "name"),
                    Severity.WARNING,
                )


def _reason(service: Service) -> str:
    if service.external_name:
        return f"is of type ExternalName ({service.external_name})"
    return "has no selector"
