"""How long a change takes to reach every proxy: publish -> the last ACK.

Clients are grpc.aio streams in another process, each on a connection of its own, that speak
incremental ADS as Envoy does. The server and the changes are here.

    python -m bench.bench_xds_fanout [--clients 30 100 1000] [--clusters 200] [--rounds 20]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import resource as rusage
import statistics
import sys
import time
from collections.abc import Iterator
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

from laneway.adapters.xds.proxy_registry import ProxyRegistry
from laneway.adapters.xds.server import SERVICE, XdsServer
from laneway.compile.resources import CLUSTER, ENDPOINT, Resource, Snapshot

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
    """Each differs from the one before it in one cluster."""
    clusters = {each.name: each for each in (cluster(index, 1) for index in range(count))}
    assignments = {name: endpoints(name) for name in clusters}
    timeout = 1
    while True:
        yield Snapshot({CLUSTER: clusters, ENDPOINT: assignments})
        timeout += 1
        changed = cluster(0, timeout)
        clusters = {**clusters, changed.name: changed}


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


def cpu_s() -> float:
    used = rusage.getrusage(rusage.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(count: int, clusters: int, rounds: int) -> tuple[str, ...]:
    settled: dict[str, float] = {}
    registry = ProxyRegistry(on_change=lambda node: settled.__setitem__(node, time.perf_counter()))
    nodes = [f"node-{index}" for index in range(count)]
    source = snapshots(clusters)
    first = next(source)
    async with XdsServer(registry) as server:
        registry.publish(dict.fromkeys(nodes, first))
        command = (sys.executable, "-m", "bench.bench_xds_fanout", "--proxies")
        client = await asyncio.create_subprocess_exec(*command, server.address, str(count))
        try:
            started = time.perf_counter()
            await asyncio.wait_for(registry.wait_synced(frozenset(nodes)), 120)
            connected = time.perf_counter() - started
            each: list[float] = []
            last: list[float] = []
            publish: list[float] = []
            used = cpu_s()
            for _ in range(rounds):
                changed = dict.fromkeys(nodes, next(source))
                settled.clear()
                start = time.perf_counter()
                registry.publish(changed)
                publish.append((time.perf_counter() - start) * 1000)
                await asyncio.wait_for(registry.wait_synced(frozenset(nodes)), 60)
                times = [(when - start) * 1000 for when in settled.values()]
                each.extend(times)
                last.append(max(times))
            used = (cpu_s() - used) / rounds * 1000
        finally:
            client.terminate()
            await client.wait()
    cut = statistics.quantiles(each, n=100)
    milliseconds = (statistics.median(publish), cut[49], cut[98], max(last), used)
    figures = [f"{figure:.1f}" for figure in milliseconds]
    return (str(count), f"{connected:.2f}", *figures, f"{rss_mib():.0f}")


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
        ("clients", "connect s", "publish ms", "p50 ms", "p99 ms", "slowest ms", "CPU ms", "MiB"),
        f"One of {options.clusters} clusters changes: until its ACK and its endpoints' ACK",
    )
    for count in options.clients:
        report.add(*asyncio.run(measure(count, options.clusters, options.rounds)))
    report.publish()


if __name__ == "__main__":
    main()
