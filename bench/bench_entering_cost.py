"""What entering a lane costs at a gateway, and that it does not grow with the number of lanes.

Every lane has aliases and an ``enter`` rule, for a user or below a path, which are of one shape for
all lanes. CPU time of one request with 1,000 lanes, against 3; the same mesh twice says how much of
the difference is noise.

    make develop && .venv/bin/python -m bench.bench_entering_cost [--rounds 7] [--requests 4000]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.bench_ingress_cost import ANY, GATEWAY, HEADER, WEB, Case, snapshots
from bench.bench_request_cost import answerer, answers, cpu_seconds, drive, envoy
from bench.reports import Report

from laneway.adapters.runner.bootstraps import bootstrap
from laneway.adapters.runner.ports import Ports
from laneway.adapters.xds.server import XdsServer
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.lanes import IngressRule, Lane, LaneGroup, RouteBy
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.meshes import Mesh
from laneway.model.services import Service, ServicePort
from laneway.model.workloads import Workload, WorkloadPort
from laneway.wiring.logs import log_to_stderr

FEW, MANY, AGAIN = "3 lanes", "1,000 lanes", "3 lanes again"


@dataclass(frozen=True)
class Ask:
    path: str = "/"
    header: str = ""

    def text(self) -> bytes:
        line = f"{self.header}\r\n" if self.header else ""
        return f"GET {self.path} HTTP/1.1\r\nhost: web\r\n{line}\r\n".encode()


#: The last of 1,000 lanes, or the last of 3.
ASKED = {
    "names no lane": Ask(),
    "names the last lane": Ask(header=HEADER + ": feature-{last}"),
    "by an alias": Ask(header=HEADER + ": alias-{last}"),
    "by a cookie": Ask(header="cookie: a=b; lane=alias-{last}"),
    "enters by its user": Ask(header="x-user: user-{last}"),
    "enters below a path": Ask(path="/preview/{last}/"),
}


def mesh(lanes: int) -> Mesh:
    service = Service(WEB, (ServicePort(8000, "http"),), {"app": "web"})
    workload = Workload(WEB, {"app": "web", "lane": "s0"}, (WorkloadPort(8000),), ("true",))
    way = RouteBy(cookie="lane")
    group = LaneGroup("bench", (WEB,), HEADER, HEADER, GATEWAY, route_by=way)
    members = [Lane("base", "bench", {"lane": "s0"}, (WEB,), (ANY,))]
    for number in range(1, lanes):
        label = f"{number:03}"
        user = StringMatch(MatchKind.EXACT, f"user-{label}")
        below = StringMatch(MatchKind.PREFIX, f"/preview/{label}/")
        rules = (
            ANY,
            IngressRule("user", WEB, headers={"x-user": user}, enter=True),
            IngressRule("path", WEB, uri=below, enter=True),
        )
        names = (f"alias-{label}", f"{label}.0.1")
        members.append(
            Lane(
                f"feature-{label}",
                "bench",
                {"lane": f"s{label}"},
                (WEB,),
                rules,
                names=names,
            )
        )
    gateway = Gateway(GATEWAY, (GatewayServer(80),))
    return Mesh((group,), tuple(members), (service,), (workload,), (gateway,))


def asked(ask: Ask, lanes: int) -> bytes:
    last = f"{lanes - 1:03}"
    return Ask(ask.path.format(last=last), ask.header.format(last=last)).text()


async def measure(every: dict[str, Case], rounds: int, count: int) -> None:
    for number in range(rounds + 1):
        for what, ask in ASKED.items():
            for case in every.values():
                text = asked(ask, len(case.mesh.lanes))
                before = cpu_seconds(case.pid)
                await drive(case.address, [text] * count)
                if number:  # the first round warms up
                    spent = (cpu_seconds(case.pid) - before) / count * 1e6
                    case.costs.setdefault(what, []).append(spent)


def report(every: dict[str, Case]) -> None:
    columns = ("request", FEW, AGAIN, MANY, "1,000 / 3", "3 / 3")
    report = Report("entering_cost", columns, labels=1)
    for what in ASKED:
        few, again, many = (
            statistics.median(every[name].costs[what]) for name in (FEW, AGAIN, MANY)
        )
        report.add(
            what,
            f"{few:.1f}",
            f"{again:.1f}",
            f"{many:.1f}",
            f"{many / few:.2f}",
            f"{again / few:.2f}",
        )
    report.publish()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=4000)
    options = parser.parse_args()
    log_to_stderr()
    every = {FEW: Case(mesh(3), []), AGAIN: Case(mesh(3), []), MANY: Case(mesh(1000), [])}
    ports = Ports()
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
