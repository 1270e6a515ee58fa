"""A proxy in memory that behaves as Envoy 1.40 was seen to (docs/decisions/0002-xds-server.md).

It checks at every step that what it was given never refers to what it was not given.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest

from laneway.adapters.xds.protocol.references import references
from laneway.adapters.xds.protocol.shared_results import SharedResults
from laneway.adapters.xds.protocol.streams import Stream
from laneway.adapters.xds.protocol.subscriptions import Push
from laneway.compile.resources import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    PUSH_ORDER,
    ROUTE,
    SCOPE,
    Resource,
    Snapshot,
)

NAMED = {CLUSTER: "cluster", LISTENER: "listener"}


def request(
    type_url: str,
    *,
    add: tuple[str, ...] = (),
    drop: tuple[str, ...] = (),
    has: dict[str, str] | None = None,
    nonce: str = "",
    error: str = "",
) -> DeltaDiscoveryRequest:
    made = DeltaDiscoveryRequest(
        type_url=type_url,
        resource_names_subscribe=add,
        resource_names_unsubscribe=drop,
        initial_resource_versions=has,
        response_nonce=nonce,
    )
    if error:
        made.error_detail.code, made.error_detail.message = 13, error
    return made


def used_clusters(route: Resource) -> set[str]:
    message = RouteConfiguration.FromString(route.body)
    return {each.route.cluster for host in message.virtual_hosts for each in host.routes}


def address(listener: Resource) -> int:
    port: int = Listener.FromString(listener.body).address.socket_address.port_value
    return port


def uses_scopes(listener: Resource) -> bool:
    manager = hcm.HttpConnectionManager()
    (network_filter,) = Listener.FromString(listener.body).filter_chains[0].filters
    network_filter.typed_config.Unpack(manager)
    return bool(manager.HasField("scoped_routes"))


@dataclass
class ModelProxy:
    """``good`` decides on a resource; ``naming``: errors about clusters and listeners name them."""

    good: Callable[[Resource], bool] = lambda resource: True
    naming: bool = True
    response_bytes: int = 10_000
    config: dict[str, dict[str, Resource]] = field(
        default_factory=lambda: {each: {} for each in PUSH_ORDER}
    )
    # What initial_resource_versions would say: nothing of a response that was refused.
    versions: dict[str, dict[str, str]] = field(
        default_factory=lambda: {each: {} for each in PUSH_ORDER}
    )
    refused: set[Resource] = field(default_factory=set)
    refused_on_stream: set[tuple[str, str, str]] = field(default_factory=set)
    warming: set[str] = field(default_factory=set)
    log: list[Push] = field(default_factory=list)
    stream: Stream = field(default_factory=lambda: Stream(SharedResults()))
    snapshot: Snapshot | None = None

    def connect(self, snapshot: Snapshot | None) -> None:
        self.stream = Stream(SharedResults(), self.response_bytes, self.stream.doubtful())
        self.stream.adopt(snapshot)
        self.snapshot = snapshot
        self.outbox: deque[DeltaDiscoveryRequest] = deque()
        self.held_back: list[DeltaDiscoveryRequest] = []  # clusters are paused while some warm
        self.inbox: deque[Push] = deque()
        self.refused_on_stream.clear()
        self.subscribed: dict[str, set[str]] = {ENDPOINT: set(), ROUTE: set()}
        self._say(request(CLUSTER, has=self.versions[CLUSTER]))
        self._follow(ENDPOINT, CLUSTER, first=True)
        self._say(request(LISTENER, has=self.versions[LISTENER]))
        self.scoped = False
        self._follow_scopes()
        self._follow(ROUTE, LISTENER, SCOPE, first=True)

    def adopt(self, snapshot: Snapshot) -> None:
        """A version that was refused is tried again only when it was gone in between."""
        self.refused_on_stream = {
            key
            for key in self.refused_on_stream
            if (each := snapshot.resources(key[0]).get(key[1])) and each.version == key[2]
        }
        self.snapshot = snapshot
        self.stream.adopt(snapshot)

    def _wanted(self, each: Resource) -> bool:
        return (
            self.snapshot is not None
            and self.snapshot.resources(each.type_url).get(each.name) == each
        )

    def _say(self, made: DeltaDiscoveryRequest) -> None:
        if made.type_url == CLUSTER and self.warming:
            self.held_back.append(made)
        else:
            self.outbox.append(made)

    def step_server(self) -> bool:
        """Hand over one request, or take one response."""
        if self.outbox:
            self.stream.receive(self.outbox.popleft())
            return True
        push = self.stream.next()
        if push:
            self.inbox.append(push)
            self.log.append(push)
        return push is not None

    def step_proxy(self) -> bool:
        if not self.inbox:
            return False
        self._apply(self.inbox.popleft())
        return True

    def run(self) -> None:
        """Until neither side has anything to say."""
        for _ in range(2000):
            server, proxy = self.step_server(), self.step_proxy()
            if not server and not proxy:
                return
        raise AssertionError(f"no end: {self.log[-6:]}")

    def _apply(self, push: Push) -> None:
        names = [each.name for each in push.resources] + list(push.removed)
        mine = self.subscribed.get(push.type_url, set(names))  # the rest is ignored
        assert len(names) == len(set(names)), "a name twice in one response"
        for each in push.resources:
            key = (each.type_url, each.name, each.version)
            assert key not in self.refused_on_stream or each.type_url == ENDPOINT, "sent again"
        bad: list[Resource] = []
        for each in push.resources:
            if not self._takes(each, push, bad):
                bad.append(each)
        by_name = push.type_url in NAMED and (self.naming or all(map(self.good, bad)))
        if by_name or not bad:
            for name in push.removed:
                self.config[push.type_url].pop(name, None)
            for each in push.resources:
                if each not in bad and each.name in mine:
                    self._install(each)
        if push.type_url == ENDPOINT:
            self.warming -= {*names}  # refused endpoints end the wait too
        if not bad:
            held = self.versions[push.type_url]
            held.update((each.name, each.version) for each in push.resources if each.name in mine)
            for name in push.removed:
                held.pop(name, None)
        self.refused.update(bad)
        if by_name or len(push.resources) == 1:
            self.refused_on_stream.update(
                (each.type_url, each.name, each.version)
                for each in bad
                if not self.good(each) and self._wanted(each)
            )
        self._follow(ENDPOINT, CLUSTER)
        self._follow_scopes()
        self._follow(ROUTE, LISTENER, SCOPE)
        self._say(request(push.type_url, nonce=push.nonce, error=self._error(push, bad, by_name)))
        if not self.warming:
            self.outbox.extend(self.held_back)
            self.held_back.clear()
        self._check()

    def _takes(self, each: Resource, push: Push, bad: list[Resource]) -> bool:
        if each.type_url == LISTENER:
            now = {name: r for name, r in self.config[LISTENER].items() if name not in push.removed}
            before = push.resources[: push.resources.index(each)]
            now |= {other.name: other for other in before if other not in bad}
            if any(address(o) == address(each) for o in now.values() if o.name != each.name):
                return False
        return self.good(each)

    def _install(self, each: Resource) -> None:
        before = self.config[each.type_url].get(each.name)
        self.config[each.type_url][each.name] = each
        if each.type_url == CLUSTER and before != each:
            self.warming.update(references(each))

    def _error(self, push: Push, bad: list[Resource], by_name: bool) -> str:
        if not bad:
            return ""
        if not by_name:
            return "Proto constraint validation failed"
        what, end = NAMED[push.type_url], ", " if push.type_url == CLUSTER else "\n"
        why = {
            each.name: "no good" if not self.good(each) else "has duplicate address" for each in bad
        }
        return f"Error adding/updating {what}(s) " + end.join(f"{n}: {w}" for n, w in why.items())

    def _follow_scopes(self) -> None:
        """Ask for all scopes, once a listener has some. (No test takes such a listener away.)"""
        scoped = any(map(uses_scopes, self.config[LISTENER].values()))
        if scoped and not self.scoped:
            self.scoped = True
            self._say(request(SCOPE, has=self.versions[SCOPE]))

    def _follow(self, child: str, *parents: str, first: bool = False) -> None:
        """Subscribe to what the parents refer to, and to nothing else."""
        wanted = {
            name
            for parent in parents
            for each in self.config[parent].values()
            for name in references(each)
        }
        before, self.subscribed[child] = self.subscribed[child], wanted
        for name in before - wanted:
            self.versions[child].pop(name, None)
            self.config[child].pop(name, None)
        added, dropped = tuple(sorted(wanted - before)), tuple(sorted(before - wanted))
        if first:
            known = {name: v for name, v in self.versions[child].items() if name in wanted}
            if added:
                self._say(request(child, add=added, has=known))
        elif added or dropped:
            self._say(request(child, add=added, drop=dropped))

    def _check(self) -> None:
        never_taken = {each.name for each in self.refused if each.type_url == CLUSTER}
        for route in self.config[ROUTE].values():
            missing = used_clusters(route) - self.config[CLUSTER].keys() - never_taken
            assert not missing, f"route {route.name} refers to {missing}"
