"""What entering a lane costs at a gateway, and that it does not grow with the number of lanes.

Every lane has aliases and an ``enter`` rule, for a user or below a path, which are of one shape for
all lanes. CPU time of one request, of Envoy's workers, with 1,000 lanes against 3. Then what the
filters cost a gateway that has them and does not use them, against one without them.

Rounds of all gateways are interleaved, in an order that changes. A ratio is of two gateways in one
round: its median over the rounds. The same gateway twice says how much of a difference is noise.

    make develop && .venv/bin/python -m bench.bench_entering_cost [--rounds 15] [--requests 3000]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.bench_ingress_cost import ANY, GATEWAY, HEADER, WEB, Case, snapshots
from bench.bench_ingress_cost import mesh as plain_mesh
from bench.bench_request_cost import WORKERS, answerer, answers, cpu_seconds, drive, envoy
from bench.reports import Report
from envoy.config.listener.v3 import listener_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)

from laneway.adapters.runner.bootstraps import bootstrap
from laneway.adapters.runner.ports import Ports
from laneway.adapters.xds.server import XdsServer
from laneway.compile.envoy.protobuf import packed
from laneway.compile.resources import LISTENER, Resource, Snapshot
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.lanes import IngressRule, Lane, LaneGroup, RouteBy
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.meshes import Mesh
from laneway.model.services import Service, ServicePort
from laneway.model.workloads import Workload, WorkloadPort
from laneway.wiring.logs import log_to_stderr

FEW, MANY, AGAIN = "3 lanes", "1,000 lanes", "3 lanes again"
BARE, IDLE, BARE_AGAIN = "no filters", "unused filters", "no filters again"


@dataclass(frozen=True)
class Ask:
    path: str = "/"
    header: str = ""

    def text(self) -> bytes:
        line = f"{self.header}\r\n" if self.header else ""
        return f"GET {self.path} HTTP/1.1\r\nhost: web\r\n{line}\r\n".encode()


PLAIN = ("names no lane", "names the last lane")

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


def without_filters(snapshot: Snapshot) -> Snapshot:
    """As a gateway would be that has no filters for ``enter`` rules."""
    listeners = {}
    for name, resource in snapshot.types[LISTENER].items():
        listener = listener_pb2.Listener.FromString(resource.body)
        (chain,) = listener.filter_chains
        manager = hcm_pb2.HttpConnectionManager()
        chain.filters[0].typed_config.Unpack(manager)
        kept = [each for each in manager.http_filters if not each.disabled]
        assert len(kept) < len(manager.http_filters)
        del manager.http_filters[:]
        manager.http_filters.extend(kept)
        chain.filters[0].typed_config.CopyFrom(packed(manager))
        body = listener.SerializeToString(deterministic=True)
        listeners[name] = Resource.of(LISTENER, name, body)
    return Snapshot({**snapshot.types, LISTENER: listeners})


async def measure(every: dict[str, Case], asks: Iterable[str], rounds: int, count: int) -> None:
    cases = list(every.values())
    for number in range(rounds + 1):
        for what in asks:
            for case in cases:
                text = asked(ASKED[what], len(case.mesh.lanes))
                before = cpu_seconds(case.pid, WORKERS)
                await drive(case.address, [text] * count)
                if number:  # the first round warms up
                    spent = (cpu_seconds(case.pid, WORKERS) - before) / count * 1e6
                    case.costs.setdefault(what, []).append(spent)
            cases = [*cases[1:], cases[0]]


def report(every: dict[str, Case], figures: Report, asks: Iterable[str]) -> None:
    """One row for each request; ``every`` is what is compared with, its double, and the other."""
    for what in asks:
        base, again, other = (case.costs[what] for case in every.values())
        figures.add(
            what,
            *(f"{statistics.median(costs):.1f}" for costs in (base, again, other)),
            *(f"{statistics.median(ratios(costs, base)):.3f}" for costs in (other, again)),
        )
    figures.publish()


def ratios(costs: list[float], base: list[float]) -> list[float]:
    return [one / its for one, its in zip(costs, base, strict=True)]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--requests", type=int, default=3000)
    options = parser.parse_args()
    log_to_stderr()
    lanes = {FEW: Case(mesh(3), []), AGAIN: Case(mesh(3), []), MANY: Case(mesh(1000), [])}
    unused = {
        BARE: Case(plain_mesh(3), [], without_filters),
        BARE_AGAIN: Case(plain_mesh(3), [], without_filters),
        IDLE: Case(plain_mesh(3), []),
    }
    columns = ("request", FEW, AGAIN, MANY, "1,000 / 3", "3 / 3")
    await compare(lanes, Report("entering_cost", columns, labels=1), ASKED, options)
    columns = ("request", BARE, BARE_AGAIN, IDLE, "unused / none", "none / none")
    await compare(unused, Report("unused_entering_cost", columns, labels=1), PLAIN, options)


async def compare(
    every: dict[str, Case], figures: Report, asks: Iterable[str], options: argparse.Namespace
) -> None:
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
        await measure(every, asks, options.rounds, options.requests)
    report(every, figures, asks)


if __name__ == "__main__":
    asyncio.run(main())
