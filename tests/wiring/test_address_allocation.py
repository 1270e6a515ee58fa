"""Allocated addresses: they stay the same if possible, and none is given out twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.compile.meshes import GATEWAY, name, service

from laneway.adapters.runner.errors import PortUnavailable
from laneway.adapters.runner.ports import LOOPBACK, Ports
from laneway.compile.envoy.names import gateway_node, sidecar_node
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.meshes import Mesh
from laneway.model.placements import Address, Placements, TerminatingSidecar
from laneway.model.workloads import DeclaredCall, Workload, WorkloadPort
from laneway.wiring.address_allocation import AddressAllocator, addresses, nodes

A = Workload(name("a"), {}, (WorkloadPort(8000),), command=("true",))


@pytest.fixture
def allocator() -> Iterator[AddressAllocator]:
    ports = Ports()
    yield AddressAllocator(ports, free_gateway_ports=True)
    ports.close()


def mesh(*workloads: Workload) -> Mesh:
    return Mesh(
        services=(service("a"),),
        workloads=workloads,
        gateways=(Gateway(GATEWAY, (GatewayServer(80, "http"),)),),
    )


def test_what_stays_declared_stays_where_it_is(allocator: AddressAllocator) -> None:
    before = allocator.place(mesh(A), Placements())
    after = allocator.place(mesh(A, replace(A, name=name("b"))), before)
    assert after.sidecars[A.name] == before.sidecars[A.name]
    assert after.gateways == before.gateways


def test_a_successor_listens_elsewhere_behind_the_same_sidecar(allocator: AddressAllocator) -> None:
    before = allocator.place(mesh(A), Placements()).sidecars[A.name]
    after = allocator.move(A, before, before)
    assert (after.inbound, after.outbound) == (before.inbound, before.outbound)
    assert after.application[8000] != before.application[8000]


def test_a_successor_takes_the_place_of_a_port_that_is_new(allocator: AddressAllocator) -> None:
    """It is published as that port's from the beginning of the change."""
    before = allocator.place(mesh(A), Placements())
    more = replace(A, ports=(WorkloadPort(8000), WorkloadPort(9000)))
    placed = allocator.place(mesh(more), before)
    moved = allocator.move(more, placed.sidecars[A.name], before.sidecars[A.name])
    assert moved.application[9000] == placed.sidecars[A.name].application[9000]
    assert moved.application[8000] != before.sidecars[A.name].application[8000]


def test_what_is_new_has_a_node_id_that_nothing_still_runs_under(
    allocator: AddressAllocator,
) -> None:
    running = {sidecar_node(A.name), sidecar_node(A.name, 2), gateway_node(GATEWAY)}
    placed = allocator.place(mesh(A), Placements(), running)
    assert nodes(placed) == {sidecar_node(A.name, 3), gateway_node(GATEWAY, 2)}
    assert nodes(allocator.place(mesh(A), placed)) == nodes(placed)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
@pytest.mark.parametrize("which", ["gateway", "inbound", "outbound", "calls", "terminating"])
def test_an_application_is_not_where_a_proxy_listens(
    allocator: AddressAllocator, host: str, which: str
) -> None:
    """A proxy would forward one request to itself, again and again."""
    calling = replace(A, name=name("b"), call_urls=(DeclaredCall(name("a")),))
    before = allocator.place(mesh(A, calling), Placements())
    b = before.sidecars[calling.name]
    leaving = TerminatingSidecar(A, replace(b, inbound={8000: Address(LOOPBACK, 9)}))
    before = replace(before, terminating=(leaving,))
    found = {
        "gateway": before.gateways[GATEWAY].listeners[80],
        "inbound": b.inbound[8000],
        "outbound": b.outbound,
        "calls": next(iter(b.calls.values())).address,
        "terminating": Address(LOOPBACK, 9),
    }
    led_astray = replace(A, name=name("c"), command=(), address=f"{host}:{found[which].port}")
    with pytest.raises(PortUnavailable, match=f"Workload default/c: .* at {led_astray.address};"):
        allocator.place(mesh(A, calling, led_astray), before)


def test_localhost_is_loopback(allocator: AddressAllocator) -> None:
    """Proxies resolve no names."""
    there = replace(A, command=(), address="localhost:9")
    placed = allocator.place(mesh(there), Placements())
    assert placed.sidecars[A.name].application == {8000: Address(LOOPBACK, 9)}


def test_what_is_terminating_keeps_its_addresses(allocator: AddressAllocator) -> None:
    placed = allocator.place(mesh(A), Placements())
    terminating = TerminatingSidecar(A, placed.sidecars[A.name])
    after = allocator.place(mesh(), replace(placed, sidecars={}, terminating=(terminating,)))
    assert addresses(after) == addresses(placed)
    assert nodes(after) == {gateway_node(GATEWAY)}
