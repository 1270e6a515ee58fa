"""How long a change takes until every proxy has acknowledged it, with real Envoys.

29 sidecars and a gateway, one worker each. *Lane change*: a lane moves to another version and back,
by the whole transaction (add, switch, remove), each phase acknowledged by all; *active* is when
all have acknowledged the new routes. *Endpoint change*: a workload becomes unready and ready again.
The services of the mesh are those of the workloads, and with ``--services`` as many more that
nothing runs for. CPU is that of one lane change, of the control plane (this process) and of all
Envoys. What they take together, spread over all cores, is the *floor* of its time; machines differ,
the ratio of the two does less. *start* is from nothing until every proxy is ready and has
acknowledged all that it should have.

    make develop && .venv/bin/python -m bench.bench_change_latency --services 100 1000 --sidecars 1
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.reports import Report

from laneway.compile.envoy.names import sidecar_node
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.lanes import IngressRule, Lane, LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import Service, ServicePort
from laneway.model.workloads import Workload, WorkloadPort
from laneway.wiring.embedded import Embedded, Settings
from laneway.wiring.logs import log_to_stderr

SIDECARS = 29
GATEWAY = ObjectName("istio-system", "gateway")


@dataclass
class Result:
    services: int
    until_active: list[float] = field(default_factory=list)
    lane_changes: list[float] = field(default_factory=list)
    endpoint_changes: list[float] = field(default_factory=list)
    start: float = 0.0
    control_cpu: float = 0.0
    proxy_cpu: float = 0.0
    proxy_memory: int = 0

    @property
    def floor(self) -> float:
        return (self.control_cpu + self.proxy_cpu) / (os.cpu_count() or 1)


def mesh(services: int, sidecars: int, address: str) -> Mesh:
    """A group of ``services``; the first ones have workloads in lanes base and canary."""
    names = [ObjectName("default", f"svc-{number}") for number in range(services)]
    placed = names[: (sidecars + 1) // 2]
    workloads = tuple(
        Workload(
            ObjectName("default", f"{name.name}-{version}"),
            {"app": name.name, "version": version},
            (WorkloadPort(8000),),
            address=address,
        )
        for name in placed
        for version in ("v1", "v2")
    )[:sidecars]
    rule = IngressRule("r1", names[0])
    return Mesh(
        (LaneGroup("bench", tuple(names), "x-lane", "x-lane", GATEWAY),),
        (
            Lane("base", "bench", {"version": "v1"}, tuple(names), (rule,)),
            Lane("canary", "bench", {"version": "v2"}, tuple(names[:3]), (rule,)),
        ),
        tuple(Service(name, (ServicePort(8000),), {"app": name.name}) for name in names),
        workloads,
        (Gateway(GATEWAY, (GatewayServer(80),)),),
    )


async def measure(services: int, sidecars: int, rounds: int) -> Result:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    result = Result(services)
    first = mesh(services, sidecars, f"{host}:{port}")
    lane = first.lanes[1]
    moved = replace(lane, selector={"version": "v1"}, services=lane.services[:2])
    second = replace(first, lanes=(first.lanes[0], moved))
    settings = Settings(concurrency=1, free_gateway_ports=True)
    clock = time.perf_counter
    began = clock()
    async with server, Embedded(first, settings) as embedded:
        assert await embedded.wait_ready() == ()
        result.start = clock() - began
        name = first.workloads[0].name
        pid = embedded.proxy_pid(sidecar_node(name))
        assert pid is not None
        nodes = embedded.control_plane.nodes
        pids = [each for each in map(embedded.proxy_pid, sorted(nodes)) if each is not None]
        assert len(pids) == len(nodes)
        cpu, proxy_cpu = time.process_time(), sum(map(cpu_seconds, pids))
        for number in range(rounds):
            began = clock()
            change = await embedded.control_plane.change((second, first)[number % 2])
            await embedded.control_plane.wait_synced()
            assert change.applied, change
            assert not change.late, change
            result.until_active.append(change.seconds_until_active)
            result.lane_changes.append(clock() - began)
        result.control_cpu = (time.process_time() - cpu) / rounds
        result.proxy_cpu = (sum(map(cpu_seconds, pids)) - proxy_cpu) / rounds
        result.proxy_memory = resident_mebibytes(pid)
        for number in range(rounds):
            began = clock()
            embedded.control_plane.set_ready(name, number % 2 == 1)
            await embedded.control_plane.wait_synced()
            result.endpoint_changes.append(clock() - began)
    return result


def cpu_seconds(pid: int) -> float:
    """Of all threads, from the scheduler: its ticks are longer than what a change takes."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident_mebibytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def milliseconds(samples: list[float]) -> tuple[str, str]:
    ordered = sorted(samples)
    return (
        f"{statistics.median(ordered) * 1000:.1f}",
        f"{ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000:.1f}",
    )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, nargs="+", default=[15, 100, 1000])
    parser.add_argument("--sidecars", type=int, default=SIDECARS, help="one at least")
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    log_to_stderr()
    columns = (
        *("services", "active p50 ms", "active p99", "lane change p50 ms", "lane change p99"),
        *("floor ms", "p50 / floor", "bar"),
        *("endpoint p50 ms", "endpoint p99"),
        *("control CPU ms", "Envoys' CPU ms", "control / Envoys", "bar"),
        *("control MB", "Envoy MB", "start s"),
    )
    load = ", ".join(f"{figure:.1f}" for figure in os.getloadavg())
    title = f"{options.sidecars} sidecars and a gateway, {os.cpu_count()} cores, load {load}"
    report = Report("change_latency", columns, title)
    for services in options.services:
        result = await measure(services, options.sidecars, options.rounds)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        report.add(
            str(services),
            *milliseconds(result.until_active),
            *milliseconds(result.lane_changes),
            f"{result.floor * 1000:.1f}",
            f"{statistics.median(result.lane_changes) / result.floor:.2f}",
            "<= 1.3",
            *milliseconds(result.endpoint_changes),
            f"{result.control_cpu * 1000:.1f}",
            f"{result.proxy_cpu * 1000:.1f}",
            f"{result.control_cpu / result.proxy_cpu:.2f}",
            "<= 0.33",
            str(memory),
            str(result.proxy_memory),
            f"{result.start:.1f}",
        )
    report.publish()


if __name__ == "__main__":
    asyncio.run(main())
