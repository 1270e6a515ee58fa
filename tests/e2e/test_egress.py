"""Which hosts outside the mesh a sidecar calls: none on this machine, however it is written.

All ports of the mesh are on loopback, so this is also why no proxy can be led to itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio
from tests.compile.meshes import name
from tests.e2e.conftest import running
from tests.e2e.echo_applications import Behaviour, Echo, exchange, report
from tests.e2e.name_servers import name_server, use_name_server

from laneway.model.meshes import Mesh
from laneway.model.placements import Address
from laneway.model.services import Service, ServicePort
from laneway.model.workloads import DeclaredCall, Workload, WorkloadPort

pytestmark = [
    pytest.mark.envoy,
    pytest.mark.asyncio(loop_scope="module"),
]

#: What a web page's requests carry, and an application's that forwards them.
BROWSER = (("origin", "http://evil.example"), ("sec-fetch-site", "cross-site"))

LOOPBACK = (
    "127.0.0.1",
    "rebound.example",
    "127.9.9.9",
    "localhost",
    "LocalHost",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[0:0:0:0:0:0:0:1]",
)
#: To Envoy's resolver these are names that do not exist; to other resolvers they are addresses.
WRITTEN_OTHERWISE = (
    "localhost.",
    "2130706433",
    "0x7f000001",
    "017700000001",
    "127.1",
    "0x7f.1",
    "0177.0.0.1",
)
#: Where clouds serve metadata, and credentials with it.
METADATA = (
    "169.254.169.254",
    "[::ffff:169.254.169.254]",
    "100.100.100.200",
    "[::ffff:100.100.100.200]",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
)
MALFORMED = (
    "user@127.0.0.1",
    "127.0.0.1%00",
    "near,near",
    "127.0.0.1/",
    "%31%32%37.0.0.1",
)


@dataclass(frozen=True)
class World:
    """``outbound`` is a sidecar's; ``ports`` are proxies' of the mesh, and one that is not.
    ``calls`` leads to the service ``near`` alone."""

    outbound: Address
    ports: dict[str, int]
    calls: Address

    async def status(self, target: str, host: str, method: str = "GET") -> int:
        return (await exchange(self.outbound, method, target, host, BROWSER)).status

    async def tunnel(self, target: str, through: Address | None = None) -> int:
        """The answer to CONNECT; the connection is closed again."""
        proxy = through or self.outbound
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        try:
            writer.write(f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n".encode())
            return int((await reader.readuntil(b"\r\n")).split()[1])
        finally:
            writer.close()


#: What an attacker's name server says.
NAMES = {
    "rebound.example": ["127.0.0.1"],
    "first-dead.example": ["192.0.2.250", "127.0.0.1"],
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[World]:
    near = Echo("near", (80,), Behaviour, lambda: Address("127.0.0.1", 9))
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        use_name_server(patch, await stack.enter_async_context(name_server(NAMES)))
        await near.start()
        stack.callback(near.close)
        mesh = Mesh(
            services=(Service(name("near"), (ServicePort(80),), {"app": "near"}),),
            workloads=(
                Workload(
                    name("near"),
                    {"app": "near"},
                    (WorkloadPort(80),),
                    address=near.address,
                    call_urls=(DeclaredCall(name("near")),),
                ),
            ),
        )
        embedded = await stack.enter_async_context(running(mesh))
        placed = embedded.control_plane.placements.sidecars[name("near")]
        yield World(
            placed.outbound,
            {
                "outbound": placed.outbound.port,
                "inbound": placed.inbound[80].port,
                "application": int(near.address.rpartition(":")[2]),
            },
            placed.calls["NEAR_URL"].address,
        )


@pytest.mark.parametrize("port", ["outbound", "inbound", "application"])
@pytest.mark.parametrize("host", LOOPBACK)
async def test_loopback_is_not_called(world: World, host: str, port: str) -> None:
    authority = f"{host}:{world.ports[port]}"
    assert await world.status("/", authority) == 421
    assert await world.status(f"http://{authority}/", "near") == 403
    assert await world.tunnel(authority) == 403


@pytest.mark.parametrize(("port", "status"), [("outbound", 421), ("inbound", 403)])
async def test_a_second_address_does_not_lead_to_a_proxy_either(
    world: World, port: str, status: int
) -> None:
    """The first address is unused, and passes the filter; the second one is loopback."""
    authority = f"first-dead.example:{world.ports[port]}"
    assert await world.status(f"http://{authority}/", "near") == status


@pytest.mark.parametrize("host", METADATA)
async def test_metadata_services_are_not_called(world: World, host: str) -> None:
    assert await world.status("/", host) == 421
    assert await world.status(f"http://{host}/latest/meta-data/", "near") == 403
    assert await world.tunnel(f"{host}:80") == 403


async def test_a_port_for_calls_of_one_service_leads_nowhere_else(world: World) -> None:
    for target in ("near:80", f"127.0.0.1:{world.ports['application']}", "example.com:443"):
        assert await world.tunnel(target, world.calls) == 405
    elsewhere = f"http://127.0.0.1:{world.ports['outbound']}/"
    (hop,) = report(await exchange(world.calls, "GET", elsewhere, "other.example", ()))["hops"]
    assert hop["workload"] == "near"


@pytest.mark.parametrize("host", WRITTEN_OTHERWISE)
async def test_other_ways_to_write_it_are_names_that_nobody_has(world: World, host: str) -> None:
    authority = f"{host}:{world.ports['application']}"
    assert await world.status("/", authority) == 421
    assert await world.status(f"http://{authority}/", "near") in (403, 503)
    assert await world.tunnel(authority) in (403, 503)


@pytest.mark.parametrize("host", MALFORMED)
async def test_what_is_no_host_is_refused(world: World, host: str) -> None:
    authority = f"{host}:{world.ports['application']}"
    assert await world.status("/", authority) == 400
    assert await world.status(f"http://{authority}/", "near") in (400, 403)
    assert await world.tunnel(authority) in (400, 403)
