"""Placing: a loopback address for every listener and application of a mesh, before any starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from laneway.adapters.runner.ports import Ports
from laneway.model.gateways import Gateway
from laneway.model.meshes import Mesh
from laneway.model.placements import Address, GatewayPlacement, Placements, SidecarPlacement
from laneway.model.workloads import Workload

_Reserve = Callable[[str, int], Address]


class Places:
    """The addresses that are given out. What is placed stays where it is while it is declared."""

    def __init__(self, ports: Ports, *, free_gateway_ports: bool = False) -> None:
        self._ports = ports
        self._free_gateway_ports = free_gateway_ports

    def place(self, mesh: Mesh, before: Placements) -> Placements:
        """Places for all of ``mesh``: as in ``before`` where there, else reserved now.

        All or nothing: what was reserved is let go again when something cannot be had, which
        raises ``PortUnavailable``. Ports that the user fixed are reserved first, so that no free
        one is given out that another object asks for by number.
        """
        reserved: list[Address] = []

        def reserve(owner: str, port: int) -> Address:
            address = self._ports.reserve(owner, port)
            reserved.append(address)
            return address

        try:
            gateways = {
                gateway.name: self._gateway(gateway, before.gateways.get(gateway.name), reserve)
                for gateway in mesh.gateways
            }
            fixed_first = sorted(mesh.workloads, key=lambda w: not any(p.listen for p in w.ports))
            sidecars = {
                workload.name: _sidecar(workload, before.sidecars.get(workload.name), reserve)
                for workload in fixed_first
            }
        except BaseException:
            self._ports.forget(reserved)
            raise
        return Placements(sidecars, gateways, before.ready)

    def move(
        self, workload: Workload, placement: SidecarPlacement, before: SidecarPlacement
    ) -> SidecarPlacement:
        """The same sidecar, before an application that listens nowhere where the one ``before``
        does. Ports that are new have a place of their own already."""
        application = {
            port.number: _running(workload, index)
            or (
                self._ports.reserve(f"Workload {workload.name} application")
                if port.number in before.application
                else placement.application[port.number]
            )
            for index, port in enumerate(workload.ports)
        }
        return replace(placement, application=application)

    def share(self, addresses: Iterable[Address]) -> None:
        """The proxy that listens on these starts now."""
        self._ports.share(addresses)

    def release(self, addresses: Iterable[Address]) -> None:
        """The application that listens on these starts now."""
        self._ports.release(addresses)

    def forget(self, addresses: Iterable[Address]) -> None:
        """What listened on these is gone."""
        self._ports.forget(addresses)

    def forget_gone(self, before: Placements, after: Placements) -> None:
        """What was placed in ``before`` and is not in ``after`` does not run any more."""
        kept = set(_addresses(after))
        self._ports.forget(address for address in _addresses(before) if address not in kept)

    def _gateway(
        self, gateway: Gateway, before: GatewayPlacement | None, reserve: _Reserve
    ) -> GatewayPlacement:
        known: Mapping[int, Address] = before.listeners if before else {}
        listeners = {}
        for server in gateway.plain:
            wanted = server.port if server.listen is None else server.listen
            port = 0 if self._free_gateway_ports else wanted
            owner = f"Gateway {gateway.name} port {server.port}"
            old = known.get(server.port)
            stays = old is not None and port in (0, old.port)
            listeners[server.port] = old if old and stays else reserve(owner, port)
        return GatewayPlacement(gateway.name, listeners)


def _addresses(placements: Placements) -> Iterable[Address]:
    for gateway in placements.gateways.values():
        yield from gateway.listeners.values()
    for sidecar in placements.sidecars.values():
        yield from sidecar_addresses(sidecar)
        yield from sidecar.application.values()


def sidecar_addresses(sidecar: SidecarPlacement) -> tuple[Address, ...]:
    """What the sidecar's Envoy listens on."""
    return (*sidecar.inbound.values(), sidecar.outbound)


def _sidecar(
    workload: Workload, before: SidecarPlacement | None, reserve: _Reserve
) -> SidecarPlacement:
    owner = f"Workload {workload.name}"
    inbound, application = {}, {}
    for index, port in enumerate(workload.ports):
        old = before.inbound.get(port.number) if before else None
        stays = old is not None and port.listen in (0, old.port)
        inbound[port.number] = (
            old if old and stays else reserve(f"{owner} port {port.number}", port.listen)
        )
        known = before.application.get(port.number) if before else None
        application[port.number] = (
            _running(workload, index) or known or reserve(f"{owner} application", 0)
        )
    outbound = before.outbound if before else reserve(f"{owner} outbound", 0)
    return SidecarPlacement(workload.name, inbound, application, outbound)


def _running(workload: Workload, index: int) -> Address | None:
    """Of an application that runs already; its further ports follow the first one's number."""
    if workload.address is None:
        return None
    host, _, port = workload.address.rpartition(":")
    offset = workload.ports[index].number - workload.ports[0].number
    return Address(host.strip("[]"), int(port) + offset)
