"""Which routes of the gateways a request can reach, and an example request for each.

Every analysis starts from this. An entry is a route at one virtual host of one port. A route is
reachable if some request that meets its conditions is not taken by an earlier route.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from laneway.compile.analyze.request_synthesis import witnesses
from laneway.compile.ir import IngressRoute, MeshRoutes, VirtualHost
from laneway.compile.lower import lower
from laneway.compile.simulate import Applications, Request, infer
from laneway.compile.simulate.gateways import find_route
from laneway.compile.simulate.path_normalization import split_target
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.selection import Selection


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a gateway, with its virtual hosts."""

    gateway: ObjectName
    number: int
    hosts: tuple[VirtualHost, ...]

    def taker(self, request: Request) -> IngressRoute | None:
        """The route that takes the request, or ``None`` if the request is refused."""
        target = split_target(request.path)
        return find_route(self.hosts, request, *target) if target else None


@dataclass(frozen=True, slots=True)
class Entry:
    port: Port
    host: VirtualHost
    position: int

    @property
    def route(self) -> IngressRoute:
        return self.host.routes[self.position]

    @property
    def earlier(self) -> tuple[IngressRoute, ...]:
        return self.host.routes[: self.position]


@dataclass(frozen=True, slots=True)
class Reached:
    """``request`` takes the route, and names no lane unless the route requires one."""

    entry: Entry
    request: Request

    @property
    def route(self) -> IngressRoute:
        return self.entry.route


@dataclass(frozen=True)
class Survey:
    mesh: Mesh
    ready: frozenset[ObjectName] | None = None

    @cached_property
    def routes(self) -> MeshRoutes:
        return lower(self.mesh)

    @cached_property
    def applications(self) -> Applications:
        return infer(self.mesh)

    @cached_property
    def selection(self) -> Selection:
        return Selection(self.mesh)

    @cached_property
    def workloads(self) -> frozenset[ObjectName]:
        return frozenset(self.mesh.workloads_by_name)

    @cached_property
    def ports(self) -> tuple[Port, ...]:
        return tuple(
            Port(gateway.gateway.name, server.server.port, server.virtual_hosts)
            for gateway in self.routes.gateways.values()
            for server in gateway.servers
        )

    @cached_property
    def entries(self) -> tuple[tuple[Entry, ...], ...]:
        """The entries of each route. Empty for a route whose host no port serves."""
        found: dict[int, list[Entry]] = {}
        for port in self.ports:
            for host in port.hosts:
                for position, route in enumerate(host.routes):
                    found.setdefault(id(route), []).append(Entry(port, host, position))
        return tuple(tuple(entries) for entries in found.values())

    @cached_property
    def reached(self) -> tuple[Reached, ...]:
        """One for each route for which a request that reaches it was found."""
        return tuple(found for entries in self.entries if (found := next(_reached(entries), None)))

    @cached_property
    def alive(self) -> frozenset[int]:
        """The ``id`` of each reached route."""
        return frozenset(id(reached.route) for reached in self.reached)

    @cached_property
    def reached_of(self) -> Mapping[str, tuple[Reached, ...]]:
        """The reached routes of each group; first those for all requests."""
        of: dict[str, list[Reached]] = {group.name: [] for group in self.mesh.groups}
        for reached in sorted(self.reached, key=lambda one: one.route.named is not None):
            for name in reached.route.groups:
                of[name].append(reached)
        return {name: tuple(routes) for name, routes in of.items()}

    def reached_by(self, lane: Lane) -> Iterator[Reached]:
        """The reached routes of the lane's group for requests that name the lane or enter it."""
        for reached in self.reached_of.get(lane.group, ()):
            named, entered = reached.route.named, reached.route.entered
            if entered is not None:
                names = entered.lane == lane.name
            else:
                names = named is None or lane.name in named.lanes
            if names:
                yield reached

    def group(self, name: str) -> LaneGroup:
        return self.mesh.groups_by_name[name]


def _reached(entries: tuple[Entry, ...]) -> Iterator[Reached]:
    for entry in entries:
        for request in witnesses(entry.host, [entry.route], entry.port.hosts):
            if entry.port.taker(request) is entry.route:
                yield Reached(entry, request)
