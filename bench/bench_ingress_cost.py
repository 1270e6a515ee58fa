"""What rules of lanes cost at a gateway: CPU time of one request, against one lane with one rule.

Only the time of Envoy's workers counts.

Lanes that state what the baseline does share its route. What only they state is for requests that
name one of them: a route with a regex of their names, or one for each rule where rules differ.

    make develop && .venv/bin/python -m bench.bench_ingress_cost [--rounds 7] [--requests 4000]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.bench_request_cost import WORKERS, answerer, answers, cpu_seconds, drive, envoy
from bench.reports import Report

from laneway.adapters.runner.bootstraps import bootstrap
from laneway.adapters.runner.ports import Ports
from laneway.adapters.xds.proxy_registry import ProxyRegistry
from laneway.adapters.xds.server import XdsServer
from laneway.compile.envoy import names
from laneway.compile.envoy.emitter import emit
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.lower import lower
from laneway.compile.resources import Snapshot
from laneway.filter import module_path
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.lanes import IngressRule, Lane, LaneGroup
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Address, GatewayPlacement, Placements, SidecarPlacement
from laneway.model.services import Service, ServicePort
from laneway.model.workloads import Workload, WorkloadPort
from laneway.wiring.logs import log_to_stderr

GATEWAY = ObjectName("istio-system", "gateway")
WEB = ObjectName("default", "web")
HEADER = "x-lane"
ANY = IngressRule("any", WEB)
BETA = IngressRule("beta", WEB, uri=StringMatch(MatchKind.PREFIX, "/beta"))


def mesh(lanes: int, own: str = "") -> Mesh:
    """``own``: the rules that lanes have besides the baseline's: ``same`` or ``different`` ones."""
    service = Service(WEB, (ServicePort(8000, "http"),), {"app": "web"})
    workload = Workload(WEB, {"app": "web", "lane": "s0"}, (WorkloadPort(8000),), ("true",))
    group = LaneGroup("bench", (WEB,), HEADER, HEADER, GATEWAY)
    members = []
    for number in range(lanes):
        rules = {
            "": (ANY,),
            "same": (ANY, BETA),
            "different": (ANY, IngressRule("own", WEB, uri=_prefix(f"/own/{number}"))),
        }[own if number else ""]
        members.append(Lane(f"feature-{number}", "bench", {"lane": f"s{number}"}, (WEB,), rules))
    gateway = Gateway(GATEWAY, (GatewayServer(80),))
    return Mesh((group,), tuple(members), (service,), (workload,), (gateway,))


def _prefix(value: str) -> StringMatch:
    return StringMatch(MatchKind.PREFIX, value)


@dataclass
class Case:
    """A gateway of its own, and what is asked of it."""

    mesh: Mesh
    asked: list[str]
    node: str = ""
    address: Address = field(default_factory=lambda: Address("127.0.0.1", 0))
    pid: int = 0
    costs: dict[str, list[float]] = field(default_factory=dict)


def cases() -> dict[str, Case]:
    return {
        "1 lane": Case(mesh(1), ["/ ", "/ feature-0"]),
        "1,000 lanes, one rule": Case(mesh(1000), ["/ ", "/ feature-999"]),
        "1,000 lanes, 999 share one more": Case(
            mesh(1000, "same"),
            ["/ ", "/ feature-999", "/beta ", "/beta feature-999", "/beta feature-1000"],
        ),
        "1,000 lanes, each one more": Case(mesh(1000, "different"), ["/ ", "/own/999 feature-999"]),
    }


def requests(asked: str, count: int) -> list[bytes]:
    path, lane = asked.split(" ")
    named = f"{HEADER}: {lane}\r\n" if lane else ""
    return [f"GET {path} HTTP/1.1\r\nhost: web\r\n{named}\r\n".encode()] * count


async def measure(every: dict[str, Case], rounds: int, count: int) -> None:
    for number in range(rounds + 1):
        for case in every.values():
            for asked in case.asked:
                before = cpu_seconds(case.pid, WORKERS)
                await drive(case.address, requests(asked, count))
                if number:  # the first round warms up
                    spent = (cpu_seconds(case.pid, WORKERS) - before) / count * 1e6
                    case.costs.setdefault(asked, []).append(spent)


def snapshots(every: dict[str, Case], answering: Address, ports: Ports) -> Iterator[ProxyRegistry]:
    for number, case in enumerate(every.values()):
        case.address, case.node = ports.reserve(f"gateway {number}"), f"gateway-{number}"
        registry = ProxyRegistry()
        registry.publish({case.node: snapshot(case.mesh, case.address, answering)})
        yield registry


def snapshot(mesh: Mesh, address: Address, answering: Address) -> Snapshot:
    """What the gateway gets if it listens at ``address``, and all workloads at ``answering``."""
    sidecar = SidecarPlacement(WEB, {8000: answering}, {8000: answering}, answering)
    gateway = GatewayPlacement(GATEWAY, {80: address})
    placed = Placements({WEB: sidecar}, {GATEWAY: gateway}, frozenset({WEB}))
    options = Options(FilterModule(str(module_path())))
    return emit(mesh, lower(mesh), placed, options)[names.gateway_node(GATEWAY)]


def report(every: dict[str, Case]) -> None:
    base = {asked: statistics.median(costs) for asked, costs in every["1 lane"].costs.items()}
    columns = ("lanes and rules", "path, lane named", "CPU µs a request", "against 1 lane")
    report = Report("ingress_cost", columns, labels=2)
    for name, case in every.items():
        for asked, costs in case.costs.items():
            path, lane = asked.split(" ")
            cost = statistics.median(costs)
            against = cost - base["/ feature-0" if lane else "/ "]
            report.add(name, f"{path} {lane or '-'}", f"{cost:.1f}", f"{against:+.1f}")
    report.publish()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=4000)
    options = parser.parse_args()
    log_to_stderr()
    every, ports = cases(), Ports()
    answering = ports.reserve("answering")
    registries = list(snapshots(every, answering, ports))
    ports.close()
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        directory = Path(temporary)
        stack.enter_context(envoy(directory, "answerer", answerer(answering)))
        for case, registry in zip(every.values(), registries, strict=True):
            xds = directory / f"{case.node}.sock"
            server = XdsServer(registry, f"unix:{xds}")
            await server.__aenter__()
            configuration = bootstrap(case.node, xds, directory / f"{case.node}-admin.sock")
            process = stack.enter_context(envoy(directory, case.node, configuration))
            case.pid = process.pid
            await answers(process, case.address)
            await server.__aexit__(None, None, None)
        await measure(every, options.rounds, options.requests)
    report(every)


if __name__ == "__main__":
    asyncio.run(main())
