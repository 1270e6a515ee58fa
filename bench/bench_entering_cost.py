"""What entering a lane costs at a gateway, and that it does not grow with the number of lanes.

Every lane has aliases and an ``enter`` rule, for a user or below a path, which are of one shape for
all lanes. One request with 1,000 lanes is compared with one with 3. Then a gateway that has the
filters and does not use them is compared with one without them. Fails if that takes more
instructions than its bar allows.

    make develop && .venv/bin/python -m bench.bench_entering_cost [--starts 5] [--rounds 4]
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bench.bench_ingress_cost import ANY, GATEWAY, HEADER, WEB, snapshot
from bench.bench_ingress_cost import mesh as plain_mesh
from bench.comparisons import Comparison, Subject, main
from bench.sidecar_parts import managers
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)

from laneway.compile.resources import Snapshot
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.lanes import IngressRule, Lane, LaneGroup, RouteBy
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.meshes import Mesh
from laneway.model.placements import Address
from laneway.model.services import Service, ServicePort
from laneway.model.workloads import Workload, WorkloadPort


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
PLAIN = {name: ASKED[name] for name in ("names no lane", "names the last lane")}


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

    def edit(manager: hcm_pb2.HttpConnectionManager) -> None:
        kept = [each for each in manager.http_filters if not each.disabled]
        assert len(kept) < len(manager.http_filters)
        del manager.http_filters[:]
        manager.http_filters.extend(kept)

    return managers(edit)(snapshot)


def subject(asks: Mapping[str, Ask], mesh: Mesh, address: Address, answering: Address) -> Subject:
    requests = {name: asked(ask, len(mesh.lanes)) for name, ask in asks.items()}
    return Subject(snapshot(mesh, address, answering), address, requests)


def comparisons(answering: Address, addresses: Iterator[Address]) -> Iterator[Comparison]:
    sizes = {"3 lanes": 3, "3 lanes again": 3, "1,000 lanes": 1000}
    lanes = {
        name: subject(ASKED, mesh(size), next(addresses), answering) for name, size in sizes.items()
    }
    yield Comparison("entering_cost", lanes, "1,000 / 3", bar=1.02)
    names = ("no filters", "no filters again", "unused filters")
    unused = {name: subject(PLAIN, plain_mesh(3), next(addresses), answering) for name in names}
    for name in names[:2]:
        unused[name] = replace(unused[name], snapshot=without_filters(unused[name].snapshot))
    yield Comparison("unused_entering_cost", unused, "unused / none", bar=1.01)


if __name__ == "__main__":
    asyncio.run(main(__doc__, comparisons))
