"""How long a change takes to reach every proxy: publish -> the last ACK.

Clients are grpc.aio streams in another process, each on a connection of its own, that speak
incremental ADS as Envoy does. The server and the changes are here, and so is a bare gRPC server
that sends the same bytes to as many clients in turn: what Python and gRPC cost by themselves.

    python -m bench.bench_xds_fanout [--clients 30 100 1000] [--clusters 200] [--rounds 20]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import structlog
from bench.reports import Report
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
)

from laneway.adapters.xds.protocol.encodings import encode, response
from laneway.adapters.xds.proxy_registry import ProxyRegistry
from laneway.adapters.xds.server import SERVICE, XdsServer
from laneway.compile.resources import CLUSTER, ENDPOINT, Resource, Snapshot
from laneway.compile.shared_map import SharedMap

BAR = "<= 1.5"
METHOD = f"/{SERVICE}/DeltaAggregatedResources"


def cluster(index: int, timeout: int) -> Resource:
    message = Cluster(name=f"outbound|8000|s{index}|mock{index}.demo", type=Cluster.EDS)
    message.connect_timeout.seconds = timeout
    message.eds_cluster_config.eds_config.ads.SetInParent()
    return Resource.of(CLUSTER, message.name, message.SerializeToString(deterministic=True))


def endpoints(name: str) -> Resource:
    message = ClusterLoadAssignment(cluster_name=name)
    for port in (9001, 9002, 9003):
        address = message.endpoints.add().lb_endpoints.add().endpoint.address.socket_address
        address.address, address.port_value = "127.0.0.1", port
    return Resource.of(ENDPOINT, name, message.SerializeToString(deterministic=True))


def snapshots(count: int) -> Iterator[Snapshot]:
    """Each differs from the one before it in one cluster. The rest is shared, as by the emitter."""
    clusters = SharedMap.of(cluster(index, 1) for index in range(count))
    assignments = SharedMap.of(map(endpoints, clusters))
    timeout = 1
    while True:
        yield Snapshot({CLUSTER: clusters, ENDPOINT: assignments})
        timeout += 1
        clusters = clusters.edited((), [cluster(0, timeout)])


async def proxy(address: str, node: str) -> None:
    """Subscribe, then acknowledge everything until the stream ends."""
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1))
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        call = channel.stream_stream(
            METHOD,
            request_serializer=DeltaDiscoveryRequest.SerializeToString,
            response_deserializer=DeltaDiscoveryResponse.FromString,
        )()
        first = DeltaDiscoveryRequest(type_url=CLUSTER)
        first.node.id = node
        await call.write(first)
        known: set[str] = set()
        while (response := await call.read()) is not grpc.aio.EOF:
            if response.type_url == CLUSTER:
                new = {each.name for each in response.resources} - known
                known |= new
                if new:
                    await call.write(
                        DeltaDiscoveryRequest(type_url=ENDPOINT, resource_names_subscribe=new)
                    )
            await call.write(
                DeltaDiscoveryRequest(type_url=response.type_url, response_nonce=response.nonce)
            )


async def proxies(address: str, count: int) -> None:
    for line in range(0, count, 50):  # connect in waves, as a machine's sockets like it
        _tasks.extend(
            asyncio.create_task(proxy(address, f"node-{index}"))
            for index in range(line, min(line + 50, count))
        )
        await asyncio.sleep(0.05)
    await asyncio.gather(*_tasks, return_exceptions=True)


_tasks: list[asyncio.Task[None]] = []


def rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Laneway:
    """The server under test. Changes reach all nodes at once."""

    def __init__(self, nodes: list[str], clusters: int) -> None:
        self._nodes = frozenset(nodes)
        self._source = snapshots(clusters)
        self._registry = ProxyRegistry()
        self._server = XdsServer(self._registry)
        self._publish()

    async def __aenter__(self) -> str:
        return await self._server.start()

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop()

    async def settled(self) -> None:
        await self._registry.wait_synced(self._nodes)

    async def change(self) -> None:
        self._publish()
        await self.settled()

    def _publish(self) -> None:
        self._registry.publish(dict.fromkeys(self._nodes, next(self._source)))


class Bare:
    """A gRPC server that sends the same bytes to the same clients, and knows nothing of xDS."""

    def __init__(self, nodes: list[str], clusters: int) -> None:
        self._count = len(nodes)
        first = next(snapshots(clusters))
        kinds = (CLUSTER, ENDPOINT)
        self._greeting = [self._bytes(kind, first.resources(kind).values()) for kind in kinds]
        one = next(iter(first.resources(CLUSTER)))
        self._update = [self._bytes(kind, [first.resources(kind)[one]]) for kind in kinds]
        self._changed = [asyncio.Event() for _ in nodes]
        self._left = 0
        self._done = asyncio.Event()
        self._connected = 0
        self._server = grpc.aio.server()

    @staticmethod
    def _bytes(kind: str, resources: Iterable[Resource]) -> bytes:
        return response(kind, "1", map(encode, resources), ())

    async def __aenter__(self) -> str:
        handler = grpc.stream_stream_rpc_method_handler(
            self._serve, DeltaDiscoveryRequest.FromString, None
        )
        handlers = grpc.method_handlers_generic_handler(
            SERVICE, {"DeltaAggregatedResources": handler}
        )
        self._server.add_generic_rpc_handlers((handlers,))
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._left = self._count
        await self._server.start()
        return f"127.0.0.1:{port}"

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(grace=None)

    async def settled(self) -> None:
        await self._done.wait()

    async def change(self) -> None:
        self._left = self._count
        self._done.clear()
        for each in self._changed:
            each.set()
        await self.settled()

    async def _serve(self, _: object, context: grpc.aio.ServicerContext) -> None:
        changed, self._connected = self._changed[self._connected], self._connected + 1
        await context.read()
        await context.write(self._greeting[0])
        await context.read()  # what it subscribes to
        await context.read()
        await context.write(self._greeting[1])
        await context.read()
        self._acknowledged()
        while True:
            await changed.wait()
            changed.clear()
            for each in self._update:
                await context.write(each)
                await context.read()
            self._acknowledged()

    def _acknowledged(self) -> None:
        self._left -= 1
        if not self._left:
            self._done.set()


@dataclass
class Cost:
    """Of each change: seconds until the last ACK, and of CPU time of this process."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


@asynccontextmanager
async def connected(server: Laneway | Bare, count: int) -> AsyncIterator[None]:
    async with server as address:
        command = (sys.executable, "-m", "bench.bench_xds_fanout", "--proxies")
        clients = await asyncio.create_subprocess_exec(*command, address, str(count))
        try:
            await asyncio.wait_for(server.settled(), 300)
            yield
        finally:
            clients.terminate()
            await clients.wait()


async def measure(count: int, clusters: int, rounds: int) -> tuple[str, ...]:
    """Rounds of both servers take turns. Clients of the one idle while the other's are served."""
    nodes = [f"node-{index}" for index in range(count)]
    laneway, bare = Laneway(nodes, clusters), Bare(nodes, clusters)
    costs: dict[Laneway | Bare, Cost] = {laneway: Cost(), bare: Cost()}
    async with connected(laneway, count), connected(bare, count):
        for number in range(rounds + 1):
            for server, cost in costs.items():
                used, began = time.process_time(), time.perf_counter()
                await asyncio.wait_for(server.change(), 300)
                if number:  # the first round warms up
                    cost.seconds.append(time.perf_counter() - began)
                    cost.cpu.append(time.process_time() - used)
    own, its = costs[laneway], costs[bare]
    figures = [
        f"{statistics.median(each) * 1000:.1f}"
        for each in (own.seconds, its.seconds, own.cpu, its.cpu)
    ]
    ratios = ratio(own.seconds, its.seconds), ratio(own.cpu, its.cpu)
    return (str(count), *figures[:2], ratios[0], *figures[2:], ratios[1], BAR, f"{rss_mib():.0f}")


def ratio(own: list[float], its: list[float]) -> str:
    """The median of the rounds, and its quartiles."""
    low, middle, high = statistics.quantiles((a / b for a, b in zip(own, its, strict=True)), n=4)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[30, 100, 1000])
    parser.add_argument("--clusters", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--proxies", nargs=2, metavar=("ADDRESS", "COUNT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.proxies:
        asyncio.run(proxies(options.proxies[0], int(options.proxies[1])))
        return
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    report = Report(
        "xds_fanout",
        (
            *("clients", "last ACK ms", "bare server ms", "ratio"),
            *("CPU ms", "bare server CPU ms", "ratio of CPU", "bar", "MiB"),
        ),
        f"One of {options.clusters} clusters changes: until its ACK and its endpoints' ACK",
    )
    for count in options.clients:
        report.add(*asyncio.run(measure(count, options.clusters, options.rounds)))
    report.publish()


if __name__ == "__main__":
    main()
