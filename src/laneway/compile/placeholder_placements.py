"""Placeholder placements: plausible, deterministic addresses for a mesh that is not running.

``render`` and tests compile without starting anything. Each workload gets its own loopback address
with the declared ports, and counts as ready.
"""

from __future__ import annotations

from laneway.model.meshes import Mesh
from laneway.model.placements import (
    Address,
    CallPlacement,
    GatewayPlacement,
    Placements,
    SidecarPlacement,
)

_OUTBOUND = 15001
_CALLS = 15101
_APPLICATION_OFFSET = 20000
_HOSTS = 250


def placeholder_placements(mesh: Mesh) -> Placements:
    """Placements for every workload and gateway of ``mesh``, in order of declaration."""
    sidecars = {}
    for index, workload in enumerate(mesh.workloads):
        host = (
            f"127.{1 + index // (_HOSTS * _HOSTS)}.{index // _HOSTS % _HOSTS}.{index % _HOSTS + 1}"
        )
        sidecars[workload.name] = SidecarPlacement(
            workload=workload.name,
            inbound={p.number: Address(host, p.number) for p in workload.ports},
            application={
                p.number: Address(host, (p.number + _APPLICATION_OFFSET) % 65536 or 1)
                for p in workload.ports
            },
            outbound=Address(host, workload.outbound_port or _OUTBOUND),
            calls={
                call.variable: CallPlacement(
                    Address(host, _CALLS + number), f"{call.service.name}.{call.service.namespace}"
                )
                for number, call in enumerate(workload.call_urls)
            },
        )
    gateways = {
        gateway.name: GatewayPlacement(
            gateway.name,
            {server.port: Address("127.0.0.1", server.port) for server in gateway.plain},
        )
        for gateway in mesh.gateways
    }
    return Placements(sidecars, gateways, frozenset(sidecars))
