"""The features of a mesh that laneway's own proxies do not support.

``laneway render`` and ``validate`` report them, and they are checked before a mesh is started on
this machine.
"""

from __future__ import annotations

from collections.abc import Iterator

from laneway.model.checks import Gaps
from laneway.model.checks import check as check_mesh
from laneway.model.codes import Code
from laneway.model.findings import Finding, Path, Severity
from laneway.model.gateways import Gateway
from laneway.model.keys import key_of
from laneway.model.lanes import LaneGroup
from laneway.model.meshes import Mesh


def limits(mesh: Mesh) -> list[Finding]:
    """In the order of the mesh's objects. Errors are gateways in use that could serve nothing."""
    return [
        *(finding for gateway in mesh.gateways for finding in _gateway(mesh, gateway)),
        *(finding for group in mesh.groups for finding in _group(mesh, group)),
    ]


def check(mesh: Mesh, gaps: Gaps | None = None) -> Iterator[Finding]:
    """All findings about a mesh that is to run on this machine."""
    yield from check_mesh(mesh, gaps)
    yield from limits(mesh)


def _group(mesh: Mesh, group: LaneGroup) -> Iterator[Finding]:
    gateway = mesh.gateways_by_name.get(group.gateway) if group.gateway else None
    if group.listen and (gateway is None or not gateway.assumed_for):
        which = f"Gateway {gateway.name} is declared" if gateway else "the group has no rules"
        yield Finding(
            Code.NO_EFFECT,
            f"the port that lane group {group.name} fixes has no effect: {which}",
            "write the annotation into the Gateway" if gateway else "remove it",
            key_of(group),
            ("metadata", "annotations", "laneway.dev/listen-ports"),
            Severity.WARNING,
        )


def _gateway(mesh: Mesh, gateway: Gateway) -> Iterator[Finding]:
    ports = ", ".join(str(server.port) for server in gateway.servers if server.tls)
    if not ports:
        return
    path: Path = ("spec", "servers")
    used = any(group.gateway == gateway.name for group in mesh.groups)
    if used and not gateway.plain:
        yield Finding(
            "ENVOY_GATEWAY_ALL_TLS",
            f"laneway's own gateways have no certificates, so nothing of Gateway {gateway.name} "
            f"could be opened on this machine (all its servers do TLS: {ports})",
            "add a server with protocol HTTP; on Kubernetes it is fine as it is",
            key_of(gateway),
            path,
        )
        return
    yield Finding(
        "ENVOY_GATEWAY_TLS",
        f"laneway's own gateways have no certificates: of Gateway {gateway.name} these ports are "
        f"not opened on this machine: {ports}",
        "use its other ports",
        key_of(gateway),
        path,
        Severity.WARNING,
    )
