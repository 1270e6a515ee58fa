"""Placing: a loopback address for every listener and application of a mesh, before any starts."""

from __future__ import annotations

from collections.abc import Iterable

from laneway.adapters.runner.ports import Ports
from laneway.model.gateways import Gateway
from laneway.model.meshes import Mesh
from laneway.model.placements import Address, GatewayPlacement, Placements, SidecarPlacement
from laneway.model.workloads import Workload


def place(mesh: Mesh, ports: Ports, *, free_gateway_ports: bool = False) -> Placements:
    """Reserve every address; nothing is ready yet. Raises ``PortUnavailable``.

    Ports that the user fixed are reserved first, so that no free one is given out that another
    object asks for by number. ``free_gateway_ports`` ignores the ports that gateways declare.
    """
    gateways = {
        gateway.name: _gateway(gateway, ports, free_gateway_ports) for gateway in mesh.gateways
    }
    fixed_first = sorted(mesh.workloads, key=lambda w: not any(p.listen for p in w.ports))
    sidecars = {workload.name: _sidecar(workload, ports) for workload in fixed_first}
    return Placements(sidecars, gateways)


def sidecar_addresses(sidecar: SidecarPlacement) -> Iterable[Address]:
    """What the sidecar's Envoy listens on."""
    return (*sidecar.inbound.values(), sidecar.outbound)


def _gateway(gateway: Gateway, ports: Ports, free: bool) -> GatewayPlacement:
    listeners = {}
    for server in gateway.servers:
        wanted = server.port if server.listen is None else server.listen
        owner = f"Gateway {gateway.name} port {server.port}"
        listeners[server.port] = ports.reserve(owner, 0 if free else wanted)
    return GatewayPlacement(gateway.name, listeners)


def _sidecar(workload: Workload, ports: Ports) -> SidecarPlacement:
    owner = f"Workload {workload.name}"
    inbound = {
        port.number: ports.reserve(f"{owner} port {port.number}", port.listen)
        for port in workload.ports
    }
    application = {
        port.number: _application(workload, index) or ports.reserve(f"{owner} application")
        for index, port in enumerate(workload.ports)
    }
    return SidecarPlacement(workload.name, inbound, application, ports.reserve(f"{owner} outbound"))


def _application(workload: Workload, index: int) -> Address | None:
    """Of an application that runs already; its further ports follow the first one's number."""
    if workload.address is None:
        return None
    host, _, port = workload.address.rpartition(":")
    offset = workload.ports[index].number - workload.ports[0].number
    return Address(host.strip("[]"), int(port) + offset)
