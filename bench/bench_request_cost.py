"""What lanes cost: CPU time of one sidecar hop (inbound + outbound), against a plain Envoy.

Each variant is an Envoy of its own with one worker. A request goes to its inbound listener (which
leads to an application that answers at once) and one to its outbound listener (which leads to a
next service that answers at once). Rounds of all variants are interleaved, so that what else the
machine does falls on all of them alike; CPU time is the kernel's, of that Envoy process alone.

    make develop && .venv/bin/python -m bench.bench_request_cost [--rounds 7] [--requests 4000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.reports import Report

from laneway.adapters.runner.binary import find_envoy
from laneway.adapters.runner.bootstraps import bootstrap
from laneway.adapters.runner.ports import Ports
from laneway.adapters.xds.roster import Roster
from laneway.adapters.xds.server import XdsServer
from laneway.compile.envoy import names
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.envoy.snapshots import emit
from laneway.compile.lower import lower
from laneway.filter import module_path
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Address, Placements, SidecarPlacement
from laneway.model.services import Service, ServicePort
from laneway.model.workloads import Workload, WorkloadPort
from laneway.wiring.logs import log_to_stderr

APPLICATION = ObjectName("default", "mocka")
NEXT = ObjectName("default", "mockb")
CONNECTIONS = 32
_HTTP = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
_ROUTER = {
    "name": "envoy.filters.http.router",
    "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
}


@dataclass
class Variant:
    """One Envoy under test. ``costs`` are CPU microseconds a hop, one for each round."""

    name: str
    inbound: Address
    outbound: Address
    pid: int = 0
    costs: list[float] = field(default_factory=list)

    @property
    def cost(self) -> float:
        return statistics.median(self.costs)


def mesh(lanes: int, trace_header: str) -> Mesh:
    """Two services with one workload each in lane s1, in a group of ``lanes`` lanes (0: none)."""
    services = tuple(
        Service(name, (ServicePort(8000, "http"),), {"app": name.name})
        for name in (APPLICATION, NEXT)
    )
    workloads = tuple(
        Workload(name, {"app": name.name, "lane": "s1"}, (WorkloadPort(8000),), ("true",))
        for name in (APPLICATION, NEXT)
    )
    if not lanes:
        return Mesh(services=services, workloads=workloads)
    group = LaneGroup("bench", (APPLICATION, NEXT), "x-asm-prefer-tag", trace_header)
    members = tuple(
        Lane(f"s{i}", "bench", {"lane": f"s{i}"}, (APPLICATION, NEXT)) for i in range(1, lanes + 1)
    )
    return Mesh((group,), members, services, workloads)


def placements(variant: Variant, answering: Address) -> Placements:
    """The sidecar under test, before an application and a next service that answer at once."""
    application = SidecarPlacement(
        APPLICATION, {8000: variant.inbound}, {8000: answering}, variant.outbound
    )
    following = SidecarPlacement(NEXT, {8000: answering}, {8000: answering}, answering)
    return Placements(
        {APPLICATION: application, NEXT: following}, ready=frozenset({APPLICATION, NEXT})
    )


def manager(name: str, action: dict[str, Any]) -> dict[str, Any]:
    route = {"match": {"prefix": "/"}, **action}
    return {
        "@type": f"{_HTTP}.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {"virtual_hosts": [{"name": name, "domains": ["*"], "routes": [route]}]},
        "http_filters": [_ROUTER],
    }


def listener(name: str, address: Address, action: dict[str, Any]) -> dict[str, Any]:
    network_filter = {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": manager(name, action),
    }
    return {
        "name": name,
        "address": {"socket_address": {"address": address.host, "port_value": address.port}},
        "filter_chains": [{"filters": [network_filter]}],
    }


def plain(variant: Variant, answering: Address) -> str:
    """An Envoy with one plain route and one plain cluster behind each listener."""
    endpoint = {"socket_address": {"address": answering.host, "port_value": answering.port}}
    cluster = {
        "name": "next",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "next",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": endpoint}}]}],
        },
    }
    listeners = [
        listener("inbound", variant.inbound, {"route": {"cluster": "next"}}),
        listener("outbound", variant.outbound, {"route": {"cluster": "next"}}),
    ]
    return json.dumps({"static_resources": {"listeners": listeners, "clusters": [cluster]}})


def answerer(address: Address) -> str:
    answer = {"direct_response": {"status": 200, "body": {"inline_string": "ok"}}}
    return json.dumps({"static_resources": {"listeners": [listener("answer", address, answer)]}})


@contextmanager
def envoy(directory: Path, name: str, configuration: str) -> Iterator[int]:
    path = directory / f"{name}.json"
    path.write_text(configuration)
    command = [str(find_envoy().path), "-c", str(path), "--concurrency", "1", "-l", "error"]
    process = subprocess.Popen([*command, "--use-dynamic-base-id", "--service-node", name])
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def cpu_seconds(pid: int) -> float:
    """Time on a CPU of all threads, from the scheduler (nanoseconds, not ticks)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


class Client(asyncio.Protocol):
    """One connection that sends the next request when the answer to the last has come."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self._requests, self._done = requests, done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        if not data.startswith(b"HTTP/1.1 200"):
            self._done.set_exception(RuntimeError(f"unexpected answer: {data[:200]!r}"))
            self._transport.abort()
            return
        self._send()

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            self._done.set_result(None)
        else:
            self._transport.write(request)


async def drive(address: Address, requests: list[bytes]) -> None:
    loop = asyncio.get_running_loop()
    source = iter(requests)
    finished = [loop.create_future() for _ in range(CONNECTIONS)]
    for done in finished:
        await loop.create_connection(partial(Client, source, done), address.host, address.port)
    await asyncio.gather(*finished)


async def answers(address: Address) -> None:
    """Until the listener answers; Envoys that wait for the control plane listen late."""
    for _ in range(200):
        try:
            await drive(address, requests(1, "warm"))
        except OSError:
            await asyncio.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing answers at {address}")


def requests(count: int, salt: str) -> list[bytes]:
    """Alike for every variant: a lane, and a trace id of its own for each request."""
    return [
        b"GET http://mockb:8000/ HTTP/1.1\r\nhost: mockb:8000\r\nx-asm-prefer-tag: s1\r\n"
        b"my-request-id: %s-%06d\r\n\r\n" % (salt.encode(), number)
        for number in range(count)
    ]


async def measure(variants: list[Variant], rounds: int, count: int) -> None:
    for number in range(rounds + 1):
        for variant in variants:
            batch = requests(count, f"{number}")
            before = cpu_seconds(variant.pid)
            await drive(variant.inbound, batch)
            await drive(variant.outbound, batch)
            spent = cpu_seconds(variant.pid) - before
            if number:  # the first round warms up
                variant.costs.append(spent / count * 1e6)


def publish(variants: list[Variant]) -> None:
    by_name = {variant.name: variant for variant in variants}
    report = Report("request_cost", ("variant", "CPU µs a hop", "against", "ratio", "bar"))
    against = {
        "laneway, no lanes": ("plain Envoy", ""),
        "scenario 2, 3 lanes": ("plain Envoy", "<= 1.10"),
        "scenario 1, 3 lanes": ("plain Envoy", "<= 1.25"),
        "scenario 2, 1,000 lanes": ("scenario 2, 3 lanes", "<= 1.05"),
        "scenario 1, 1,000 lanes": ("scenario 1, 3 lanes", "<= 1.05"),
    }
    for variant in variants:
        other, bar = against.get(variant.name, ("", ""))
        ratio = f"{variant.cost / by_name[other].cost:.2f}" if other else ""
        report.add(variant.name, f"{variant.cost:.1f}", other, ratio, bar)
    report.publish()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=4000)
    options = parser.parse_args()
    log_to_stderr()
    meshes = {
        "laneway, no lanes": mesh(0, ""),
        "scenario 2, 3 lanes": mesh(3, "x-asm-prefer-tag"),
        "scenario 1, 3 lanes": mesh(3, "my-request-id"),
        "scenario 2, 1,000 lanes": mesh(1000, "x-asm-prefer-tag"),
        "scenario 1, 1,000 lanes": mesh(1000, "my-request-id"),
    }
    ports, roster = Ports(), Roster()
    answering = ports.reserve("answering")
    variants = [
        Variant(name, ports.reserve(name), ports.reserve(name)) for name in ["plain Envoy", *meshes]
    ]
    ports.close()
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        for variant in variants[1:]:
            model = meshes[variant.name]
            snapshots = emit(
                model,
                lower(model),
                placements(variant, answering),
                Options(FilterModule(str(module_path()))),
            )
            roster.publish({variant.name: snapshots[names.sidecar_node(APPLICATION)]})
        async with XdsServer(roster, f"unix:{directory}/xds.sock"):
            await run(directory, variants, answering, options)
    publish(variants)


async def run(
    directory: Path, variants: list[Variant], answering: Address, options: argparse.Namespace
) -> None:
    with ExitStack() as stack:
        stack.enter_context(envoy(directory, "answerer", answerer(answering)))
        for number, variant in enumerate(variants):
            xds, admin = directory / "xds.sock", directory / f"admin-{number}.sock"
            configuration = (
                bootstrap(variant.name, xds, admin) if number else plain(variant, answering)
            )
            variant.pid = stack.enter_context(envoy(directory, variant.name, configuration))
        for variant in variants:
            await answers(variant.inbound)
            await answers(variant.outbound)
        await measure(variants, options.rounds, options.requests)


if __name__ == "__main__":
    asyncio.run(main())
