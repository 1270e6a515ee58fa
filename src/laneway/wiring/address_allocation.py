"""Allocates loopback addresses for all listeners and applications of a mesh before they start."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from laneway.adapters.runner.errors import PortUnavailable
from laneway.adapters.runner.ports import LOOPBACK, Ports
from laneway.compile.envoy.names import gateway_node, sidecar_node
from laneway.model.gateways import Gateway
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import (
    Address,
    CallPlacement,
    GatewayPlacement,
    Placements,
    SidecarPlacement,
)
from laneway.model.workloads import Workload

_Reserve = Callable[[str, int], Address]


class AddressAllocator:
    """Allocates addresses. An object keeps its addresses while it is declared."""

    def __init__(self, ports: Ports, *, free_gateway_ports: bool = False) -> None:
        self._ports = ports
        self._free_gateway_ports = free_gateway_ports

    def place(
        self, mesh: Mesh, before: Placements, running: Collection[str] = frozenset()
    ) -> Placements:
        """Placements for all objects of ``mesh``: those in ``before``, or newly reserved ones.

        ``running`` are the node ids of running proxies, which a new proxy cannot have. If a port is
        not available, or a workload's application is said to listen where a proxy does, none is
        reserved, and ``PortUnavailable`` is raised. Ports with a fixed number are reserved first,
        so that no other object gets them as free ports.
        """
        reserved: list[Address] = []

        def reserve(owner: str, port: int) -> Address:
            address = self._ports.reserve(owner, port)
            reserved.append(address)
            return address

        try:
            gateways = {
                gateway.name: self._gateway(
                    gateway,
                    before.gateways.get(gateway.name)
                    or GatewayPlacement(
                        gateway.name, {}, _free(gateway_node, gateway.name, running)
                    ),
                    reserve,
                )
                for gateway in mesh.gateways
            }
            fixed_first = sorted(mesh.workloads, key=lambda each: not _fixes_ports(each))
            sidecars = {
                workload.name: _sidecar(
                    mesh,
                    workload,
                    before.sidecars.get(workload.name),
                    _free(sidecar_node, workload.name, running),
                    reserve,
                )
                for workload in fixed_first
            }
            placed = replace(before, sidecars=sidecars, gateways=gateways)
            _refuse_addresses_of_proxies(mesh, placed)
        except BaseException:
            self._ports.forget(reserved)
            raise
        return placed

    def move(
        self, workload: Workload, placement: SidecarPlacement, before: SidecarPlacement
    ) -> SidecarPlacement:
        """The same sidecar with other addresses of the application than in ``before``, so that a
        second process can run. New ports have other addresses already."""
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
        """Lets the proxy that is starting now listen on these addresses."""
        self._ports.share(addresses)

    def release(self, addresses: Iterable[Address]) -> None:
        """Frees these addresses for the application that is starting now."""
        self._ports.release(addresses)

    def forget(self, addresses: Iterable[Address]) -> None:
        """Ends the reservations: nothing listens on these addresses any more."""
        self._ports.forget(addresses)

    def _gateway(
        self, gateway: Gateway, before: GatewayPlacement, reserve: _Reserve
    ) -> GatewayPlacement:
        listeners = {}
        for server in gateway.plain:
            wanted = server.port if server.listen is None else server.listen
            port = 0 if self._free_gateway_ports else wanted
            owner = f"Gateway {gateway.name} port {server.port}"
            old = before.listeners.get(server.port)
            stays = old is not None and port in (0, old.port)
            listeners[server.port] = old if old and stays else reserve(owner, port)
        return replace(before, listeners=listeners)


def merged(first: Placements, second: Placements) -> Placements:
    """The placements of both. Those of ``first`` take precedence."""
    sidecars = {**second.sidecars, **first.sidecars}
    for name in second.sidecars.keys() & first.sidecars.keys():
        one, other = first.sidecars[name], second.sidecars[name]
        sidecars[name] = replace(
            one,
            inbound={**other.inbound, **one.inbound},
            application={**other.application, **one.application},
            calls={**other.calls, **one.calls},
        )
    gateways = {**second.gateways, **first.gateways}
    for name in second.gateways.keys() & first.gateways.keys():
        listeners = {**second.gateways[name].listeners, **first.gateways[name].listeners}
        gateways[name] = replace(first.gateways[name], listeners=listeners)
    return replace(second, sidecars=sidecars, gateways=gateways)


def nodes(placements: Placements) -> frozenset[str]:
    """The node ids of the proxies of the mesh: not of those that are terminating."""
    gateways = {gateway_node(g.gateway, g.generation) for g in placements.gateways.values()}
    sidecars = {sidecar_node(s.workload, s.generation) for s in placements.sidecars.values()}
    return frozenset(gateways | sidecars)


def addresses(placements: Placements) -> frozenset[Address]:
    """Every address that an object of ``placements`` listens on or reserves."""
    return frozenset(_addresses(placements))


def _addresses(placements: Placements) -> Iterable[Address]:
    yield from _proxy_addresses(placements)
    for sidecar in _sidecars(placements):
        yield from sidecar.application.values()


def _proxy_addresses(placements: Placements) -> Iterable[Address]:
    for gateway in placements.gateways.values():
        yield from gateway.listeners.values()
    for sidecar in _sidecars(placements):
        yield from sidecar_addresses(sidecar)


def _sidecars(placements: Placements) -> Iterable[SidecarPlacement]:
    """Also those that are terminating."""
    yield from placements.sidecars.values()
    yield from (each.placement for each in placements.terminating)


def sidecar_addresses(sidecar: SidecarPlacement) -> tuple[Address, ...]:
    """The addresses on which the sidecar's Envoy listens."""
    calls = (call.address for call in sidecar.calls.values())
    return (*sidecar.inbound.values(), sidecar.outbound, *calls)


def _refuse_addresses_of_proxies(mesh: Mesh, placed: Placements) -> None:
    """Raises ``PortUnavailable`` for an application that is said to listen where a proxy of the
    mesh does: a request to it would be forwarded for ever. ``model.checks`` knows fixed ports
    only."""
    proxies = frozenset(_proxy_addresses(placed))
    for workload in mesh.workloads:
        for address in placed.sidecars[workload.name].application.values():
            if workload.address and replace(address, host=_reached_at(address.host)) in proxies:
                raise PortUnavailable(
                    f"Workload {workload.name}: a proxy of this mesh listens at "
                    f"{workload.address}; write the address where the application itself listens"
                )


def _reached_at(host: str) -> str:
    return LOOPBACK if host == "0.0.0.0" else host  # a connection to it is one to loopback


def _fixes_ports(workload: Workload) -> bool:
    return bool(workload.outbound_port) or any(port.listen for port in workload.ports)


def _free(
    node: Callable[[ObjectName, int], str], name: ObjectName, running: Collection[str]
) -> int:
    """The first generation of ``name`` whose node id is not taken."""
    return next(number for number in itertools.count(1) if node(name, number) not in running)


def _sidecar(
    mesh: Mesh,
    workload: Workload,
    before: SidecarPlacement | None,
    generation: int,
    reserve: _Reserve,
) -> SidecarPlacement:
    """``generation`` is used if there is no sidecar in ``before``."""
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
    outbound = before.outbound if before else None
    if outbound is None or workload.outbound_port not in (0, outbound.port):
        outbound = reserve(f"{owner} outbound", workload.outbound_port)
    calls = _calls(mesh, workload, before.calls if before else {}, reserve)
    generation = before.generation if before else generation
    return SidecarPlacement(workload.name, inbound, application, outbound, generation, calls)


def _calls(
    mesh: Mesh, workload: Workload, before: Mapping[str, CallPlacement], reserve: _Reserve
) -> Mapping[str, CallPlacement]:
    calls = {}
    for call in workload.call_urls:
        port = call.port or mesh.services_by_name[call.service].ports[0].port
        host = f"{call.service.name}.{call.service.namespace}"
        known = before.get(call.variable)
        address = known.address if known else reserve(f"{workload.name} {call.variable}", 0)
        calls[call.variable] = CallPlacement(address, host if port == 80 else f"{host}:{port}")
    return calls


def _running(workload: Workload, index: int) -> Address | None:
    """The addresses of an application that runs already; its other ports follow the first one."""
    if workload.address is None:
        return None
    host, _, port = workload.address.rpartition(":")
    host = LOOPBACK if host == "localhost" else host.strip("[]")  # proxies resolve no names
    offset = workload.ports[index].number - workload.ports[0].number
    return Address(host, int(port) + offset)
