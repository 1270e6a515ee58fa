"""The same against real Envoy, whose resources wait for what they refer to without end."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from tests.adapters.xds.envoys import Envoy, get, start, upstream
from tests.adapters.xds.resources import (
    cluster,
    endpoints,
    listener,
    resource,
    route,
    scope,
    scoped_listener,
    snapshot,
)

from laneway.adapters.xds.proxy_registry import ProxyRegistry
from laneway.adapters.xds.server import XdsServer
from laneway.compile.resources import CLUSTER, ROUTE, Resource
from laneway.control.proxies import ProxyStatus, Verdict

pytestmark = pytest.mark.envoy


class Bench:
    """An xDS server, an Envoy, and two services: ``one`` and ``two``."""

    def __init__(self, registry: ProxyRegistry, socket: Path, one: int, two: int) -> None:
        self.registry = registry
        self.socket = socket
        self.ports = {"one": one, "two": two}
        self.envoy: Envoy
        self.stop: Callable[[], Awaitable[None]]

    def mesh(self, *clusters: str, timeout: int = 1) -> list[Resource]:
        """One called ``two`` or ``two-1`` leads to the service ``two``, all others to ``one``."""
        made = [listener("l", "r"), route("r", *clusters)]
        for name in clusters:
            port = self.ports["two" if name.startswith("two") else "one"]
            made += [cluster(name, timeout), endpoints(name, port)]
        return made

    async def publish(self, *resources: Resource) -> ProxyStatus:
        self.registry.publish({"n": snapshot(resources)})
        async with asyncio.timeout(20):
            return (await self.registry.wait_synced(frozenset({"n"})))["n"]

    async def call(self, path: str = "/", listener: str = "l") -> tuple[int, str]:
        port = await self.envoy.port(listener)
        return await asyncio.to_thread(get, f"http://127.0.0.1:{port}{path}")


@asynccontextmanager
async def serve(folder: Path, registry: ProxyRegistry) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        # A socket's path must be short, and pytest's is not.
        short = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        one = await stack.enter_async_context(upstream("one"))
        two = await stack.enter_async_context(upstream("two"))
        made = Bench(registry, short / "xds.sock", one, two)
        async with XdsServer(registry, f"unix:{made.socket}") as server:
            made.stop = server.stop
            made.envoy = await stack.enter_async_context(start(folder, made.socket))
            await made.publish(*made.mesh("one"))
            yield made


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with serve(tmp_path, ProxyRegistry()) as made:
        yield made


async def test_a_mesh_is_served(bench: Bench) -> None:
    assert bench.registry.status("n").synced
    assert all(each.verdict is Verdict.ACKED for each in bench.registry.resources("n"))
    assert await bench.call() == (200, "one")


async def test_an_updated_cluster_warms_although_its_endpoints_did_not_change(
    bench: Bench,
) -> None:
    assert (await bench.publish(*bench.mesh("one", timeout=2))).synced
    assert await bench.envoy.stat("cluster_manager.warming_clusters") == 0
    assert await bench.call() == (200, "one")


async def test_an_updated_listener_takes_the_routes_that_envoy_has(bench: Bench) -> None:
    _, *rest = bench.mesh("one")
    assert (await bench.publish(listener("l", "r", prefix="other"), *rest)).synced
    assert await bench.envoy.stat("listener_manager.total_listeners_warming") == 0
    assert await bench.call() == (200, "one")


async def test_switching_clusters_costs_no_request(bench: Bench) -> None:
    port = await bench.envoy.port("l")
    answers: list[tuple[int, str]] = []

    async def load() -> None:
        while True:
            answers.append(await asyncio.to_thread(get, f"http://127.0.0.1:{port}/"))

    tasks = [asyncio.create_task(load()) for _ in range(4)]
    for turn in range(30):
        name = f"two-{turn}" if turn % 2 else f"one-{turn}"
        assert (await bench.publish(*bench.mesh(name, timeout=turn + 1))).synced
        assert await bench.envoy.clusters() == {name}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert set(answers) == {(200, "one"), (200, "two")}


async def test_a_rejected_cluster_is_reported_and_everything_else_goes_on(bench: Bench) -> None:
    bad = resource(CLUSTER, "bad", Cluster(name="bad", type=Cluster.EDS))
    status = await bench.publish(*bench.mesh("two", "good"), bad)
    (rejected,) = (each for each in status.resources if each.verdict is Verdict.REJECTED)
    assert rejected.name == "bad"
    assert rejected.error == "bad: cannot create an EDS cluster without an EDS config"
    assert await bench.envoy.clusters() == {"one", "two", "good"}
    assert await bench.call() == (200, "one"), "routes stay while a cluster is refused"
    assert (await bench.publish(*bench.mesh("two", "good"))).synced
    assert await bench.envoy.clusters() == {"two", "good"}
    assert await bench.call() == (200, "two")


async def test_an_error_that_names_nothing_is_narrowed_down(bench: Bench) -> None:
    names = ("one", "two", "three", "four", "five")
    status = await bench.publish(*bench.mesh(*names), cluster("bad", -1))
    assert [e.name for e in status.resources if e.verdict is Verdict.REJECTED] == ["bad"]
    assert await bench.envoy.clusters() == set(names)


async def test_bad_endpoints_are_told_from_good_ones(bench: Bench) -> None:
    rest = [each for each in bench.mesh("one", "two") if each.name not in ("one", "two")]
    clusters = [cluster("one"), cluster("two")]
    status = await bench.publish(
        *rest, *clusters, endpoints("one", 70_000), endpoints("two", bench.ports["two"])
    )
    (rejected,) = (each for each in status.resources if each.verdict is Verdict.REJECTED)
    assert (rejected.name, "PortValue" in rejected.error) == ("one", True)
    assert await bench.call() == (200, "one"), "it keeps the endpoints it had"


async def test_what_does_not_exist_is_not_waited_for(bench: Bench) -> None:
    assert (await bench.publish(*bench.mesh("one"), cluster("empty"))).synced
    assert await bench.envoy.stat("cluster_manager.warming_clusters") == 0


async def test_a_renamed_listener_takes_over_the_address(bench: Bench) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    _, *rest = bench.mesh("one")
    assert (await bench.publish(listener("named", "r", port), *rest)).synced
    assert (await bench.publish(listener("renamed", "r", port), *rest)).synced
    assert await bench.call(listener="renamed") == (200, "one")


def scoped(bench: Bench, **scopes: str) -> list[Resource]:
    """Beside the mesh: a scope, and routes of its own to that cluster, for each."""
    made = [scoped_listener("s"), *bench.mesh("one", "two")]
    for key, cluster_name in scopes.items():
        made += [scope(key, f"routes-of-{key}"), route(f"routes-of-{key}", cluster_name)]
    return made


async def in_scope(bench: Bench, key: str) -> tuple[int, str]:
    port = await bench.envoy.port("s")
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"scope": key})
    return await asyncio.to_thread(get, asked)


async def test_scopes_come_change_and_go(bench: Bench) -> None:
    assert (await bench.publish(*scoped(bench, x="one", y="two"))).synced
    assert [await in_scope(bench, key) for key in "xyz"] == [(200, "one"), (200, "two"), (404, "")]
    assert (await bench.publish(*scoped(bench, y="one", z="two"))).synced
    assert [await in_scope(bench, key) for key in "xyz"] == [(404, ""), (200, "one"), (200, "two")]
    held = {each.name for each in bench.registry.resources("n") if each.type_url == ROUTE}
    assert held == {"r", "routes-of-y", "routes-of-z"}


async def test_a_rejected_scope_is_reported_and_the_others_stay(bench: Bench) -> None:
    assert (await bench.publish(*scoped(bench, x="one"))).synced
    status = await bench.publish(*scoped(bench, x="two", y="two"), scope("twin", "r", key="x"))
    (rejected,) = (each for each in status.resources if each.verdict is Verdict.REJECTED)
    assert rejected.name == "twin"
    assert "scope key" in rejected.error
    assert await in_scope(bench, "x") == (200, "one"), "routes stay while a scope is refused"
    assert (await bench.publish(*scoped(bench, x="two", y="two"))).synced
    assert await in_scope(bench, "x") == (200, "two")


async def test_a_proxy_that_comes_back_is_sent_no_scope_again(bench: Bench) -> None:
    async def updates() -> list[int]:
        kinds = (".*scoped_rds.*", ".*rds.routes-of-x.*", ".*(cds|lds).*", "cluster.*")
        return [await bench.envoy.stat(f"{kind}update_success") for kind in kinds]

    mesh = scoped(bench, x="one", y="two")
    assert (await bench.publish(*mesh)).synced
    before = await updates()
    assert all(before)
    await bench.stop()
    another = ProxyRegistry()
    another.publish({"n": snapshot(each for each in mesh if each.name not in ("y", "routes-of-y"))})
    async with XdsServer(another, f"unix:{bench.socket}"), asyncio.timeout(20):
        assert (await another.wait_synced(frozenset({"n"})))["n"].synced
    assert await updates() == [before[0] + 1, *before[1:]]  # that which removes y
    assert await in_scope(bench, "y") == (404, "")


async def test_responses_in_pieces(tmp_path: Path) -> None:
    async with serve(tmp_path, ProxyRegistry(response_bytes=200)) as bench:
        names = [f"c{index}" for index in range(50)]
        assert (await bench.publish(*bench.mesh(*names))).synced
        assert await bench.envoy.clusters() == set(names)
        assert (await bench.publish(*bench.mesh(*names, timeout=2))).synced
        assert await bench.call("/c49") == (200, "one")


async def test_proxies_serve_on_without_a_server_and_then_are_sent_nothing(
    bench: Bench,
) -> None:
    before = await bench.envoy.stat(".*update_success")
    mesh = snapshot(bench.mesh("one"))
    await bench.stop()
    assert await bench.call() == (200, "one")
    another = ProxyRegistry()  # as another process, it knows nothing of the proxy
    another.publish({"n": mesh})
    async with XdsServer(another, f"unix:{bench.socket}"):
        async with asyncio.timeout(20):
            statuses = await another.wait_synced(frozenset({"n"}))
        assert statuses["n"].synced
        assert await bench.envoy.stat(".*update_success") == before
        assert len(another.resources("n")) == 4
        another.publish({"n": snapshot(bench.mesh("two"))})
        async with asyncio.timeout(20):
            await another.wait_synced(frozenset({"n"}))
        assert await bench.envoy.clusters() == {"two"}
        assert await bench.call() == (200, "two")
