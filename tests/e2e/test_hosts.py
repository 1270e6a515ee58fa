"""Which hosts a sidecar takes for services of the mesh, and what becomes of all others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from tests.compile.meshes import name
from tests.e2e.conftest import Run
from tests.e2e.echo_applications import Behaviour, Echo, exchange, read_message
from tests.e2e.name_servers import name_server, use_name_server

from laneway.compile.envoy import egress
from laneway.compile.envoy.names import EGRESS_HEADER, HOST_HEADER
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Address
from laneway.model.services import Service, ServicePort
from laneway.model.workloads import Workload, WorkloadPort

pytestmark = pytest.mark.envoy

CALLER, NEAR, FAR = name("caller"), name("near"), ObjectName("elsewhere", "far")
FORGED = (HOST_HEADER, "http://far.elsewhere")


@dataclass(frozen=True)
class World:
    """``outbound`` is the caller's sidecar; ``outside`` listens where the mesh does not know, at
    an address that sidecars call (in truth one of loopback)."""

    outbound: Address
    outside: str

    async def call(
        self, host: str, *headers: tuple[str, str], target: str | None = None
    ) -> tuple[int, str, dict[str, str]]:
        """Status, who answered at which port, and the headers that it got. The target is a path
        for what can be a service, and else a URL, as a proxy's clients write it."""
        if target is None:
            target = f"http://{host}/" if host.lower() == self.outside else "/"
        response = await exchange(self.outbound, "GET", target, host, headers)
        if response.status != 200:
            return response.status, "", response.headers
        (hop,) = json.loads(response.body)["hops"]
        return 200, f"{hop['workload']}:{hop['port']}", hop["headers"]


@pytest.fixture
async def world(run: Run, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    nowhere = Address("127.0.0.1", 9)
    echoes = {
        each: Echo(each, ports, Behaviour, lambda: nowhere)
        for each, ports in {"near": (80, 8000), "far": (80,)}.items()
    }
    echoes["outside"] = Echo("outside", (80,), Behaviour, lambda: nowhere, host="127.0.0.2")
    monkeypatch.setattr(egress, "REFUSED", ("127.0.0.1/32",))
    async with AsyncExitStack() as stack:
        for echo in echoes.values():
            await echo.start()
            stack.callback(echo.close)
        ports = {NEAR: (80, 8000), FAR: (80,)}
        mesh = Mesh(
            services=tuple(
                Service(each, tuple(map(ServicePort, numbers)), {"app": each.name})
                for each, numbers in ports.items()
            ),
            workloads=(
                *(
                    Workload(
                        each,
                        {"app": each.name},
                        tuple(map(WorkloadPort, numbers)),
                        address=echoes[each.name].address,
                    )
                    for each, numbers in ports.items()
                ),
                Workload(CALLER, {}, (WorkloadPort(80),), address=echoes["near"].address),
            ),
        )
        outside = echoes["outside"].address
        server = await stack.enter_async_context(name_server({"outside.example": ["127.0.0.2"]}))
        use_name_server(monkeypatch, server)
        embedded = await stack.enter_async_context(run(mesh))
        outbound = embedded.control_plane.placements.sidecars[CALLER].outbound
        yield World(outbound, outside.replace("127.0.0.2", "outside.example"))


NEAR_HOSTS = ("near", "near.default", "near.default.svc", "near.default.svc.cluster.local")


async def test_a_service_has_the_names_of_kubernetes_and_no_others(world: World) -> None:
    for host in NEAR_HOSTS:
        assert (await world.call(host))[:2] == (200, "near:80"), host
        assert (await world.call(f"{host}:80"))[:2] == (200, "near:80"), host
        assert (await world.call(f"{host}:8000"))[:2] == (200, "near:8000"), host
    assert (await world.call("far.elsewhere"))[:2] == (200, "far:80")
    for host in ("far", "near:81", "near.elsewhere", "near.default.svc.cluster.local.", "*"):
        assert (await world.call(host))[0] == (400 if host == "*" else 421), host
    for host in ("far", "near:81", "near.elsewhere"):
        status, _, headers = await world.call(host, target=f"http://{host}/")
        assert status == 503, host
        assert "x-laneway-service" not in headers, "it went to DNS, and nobody is there"


async def test_names_of_hosts_may_be_written_in_any_case(world: World) -> None:
    for host in ("Near", "NEAR.default.SVC:80", "neaR:8000"):
        status, answered, headers = await world.call(host)
        assert (status, answered.split(":")[0]) == (200, "near")
        assert headers["host"] == host
    outside = world.outside.replace("outside", "OutSide")
    assert (await world.call(outside))[:2] == (200, "outside:80")


async def test_other_hosts_are_wherever_they_are(world: World) -> None:
    status, answered, headers = await world.call(world.outside)
    assert (status, answered) == (200, "outside:80")
    assert headers["host"] == world.outside
    assert headers[EGRESS_HEADER] == "1"
    assert headers["cdn-loop"] == "laneway"


async def test_a_service_of_the_mesh_may_be_named_in_every_form(world: World) -> None:
    """Also by an application that forwards what a browser sent."""
    browser = (("origin", "http://shop.example"), ("sec-fetch-site", "cross-site"))
    for target in ("/", "http://near/"):
        status, answered, headers = await world.call("near", *browser, target=target)
        assert (status, answered) == (200, "near:80")
        assert headers["origin"] == "http://shop.example"
        assert not {EGRESS_HEADER, HOST_HEADER, "cdn-loop"} & headers.keys()


async def test_a_request_does_not_go_out_of_the_mesh_for_ever(world: World) -> None:
    for passes, status in ((8, 200), (9, 502)):
        loops = ("cdn-loop", ", ".join(["laneway"] * passes))
        assert (await world.call(world.outside, loops))[0] == status


async def test_the_sidecars_own_header_cannot_be_forged_and_is_not_sent_on(world: World) -> None:
    for host in ("near", "NEAR", world.outside):
        for forged in ((FORGED,), (FORGED, FORGED), ((HOST_HEADER, "://*"),), ((HOST_HEADER, ""),)):
            status, answered, headers = await world.call(host, *forged)
            assert (status, answered) == (200, "near:80" if "n" in host.lower() else "outside:80")
            assert HOST_HEADER not in headers
    status, _, headers = await world.call("", FORGED)
    assert status != 200, "no host is no service, whatever the header says"
    assert (await world.call("elsewhere.invalid", (HOST_HEADER, "http://x")))[0] == 421
    assert (await world.call("near:80://far.elsewhere"))[0] == 400, "no host has slashes"


async def test_tunnels_lead_where_requests_do(world: World) -> None:
    for host, answered in (("Near:80", "near:80"), (world.outside, "outside:80")):
        reader, writer = await asyncio.open_connection(world.outbound.host, world.outbound.port)
        writer.write(f"CONNECT {host} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(f"GET / HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        (hop,) = json.loads((await read_message(reader)).body)["hops"]
        assert f"{hop['workload']}:{hop['port']}" == answered
        assert HOST_HEADER not in hop["headers"]
        writer.close()
