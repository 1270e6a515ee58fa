"""An Envoy's xDS client in memory, which behaves as Envoy 1.40 was seen to
(docs/decisions/0002-xds-server.md).

It takes responses and says what Envoy would say. It checks at every step that what it was given
never refers to what it was not given.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest
from google.protobuf.any_pb2 import Any
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from laneway.adapters.xds.protocol.references import references
from laneway.adapters.xds.protocol.subscriptions import Push
from laneway.compile.resources import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    PUSH_ORDER,
    ROUTE,
    SCOPE,
    Resource,
)

NAMED = {CLUSTER: "cluster", LISTENER: "listener"}
#: The fields whose text is the name of a cluster, or are the names of several.
_CLUSTER_FIELDS = frozenset({"cluster", "clusters"})


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


@lru_cache(maxsize=4096)
def used_clusters(user: Resource) -> frozenset[str]:
    """The clusters that a route, a listener or an aggregate cluster names."""
    messages = {ROUTE: RouteConfiguration, LISTENER: Listener, CLUSTER: Cluster}
    return frozenset(_clusters_named(messages[user.type_url].FromString(user.body)))


def _clusters_named(message: Message) -> Iterator[str]:
    """Also in what is packed into an ``Any``, of messages that are known here."""
    if isinstance(message, Any):
        try:
            kind = Default().FindMessageTypeByName(message.TypeName())
        except KeyError:
            return
        inner = GetMessageClass(kind)()
        message.Unpack(inner)
        message = inner
    for described, value in message.ListFields():
        values = value if described.is_repeated else (value,)
        if described.message_type is None:
            if described.name in _CLUSTER_FIELDS:
                yield from values
        elif described.message_type.GetOptions().map_entry:
            kept = value.values() if hasattr(value, "values") else ()
            for each in kept:
                if isinstance(each, Message):
                    yield from _clusters_named(each)
        else:
            for each in values:
                yield from _clusters_named(each)


def address(listener: Resource) -> int:
    port: int = Listener.FromString(listener.body).address.socket_address.port_value
    return port


@lru_cache(maxsize=4096)
def uses_scopes(listener: Resource) -> bool:
    managers = (
        hcm.HttpConnectionManager.FromString(each.typed_config.value)
        for chain in Listener.FromString(listener.body).filter_chains
        for each in chain.filters
        if each.typed_config.Is(hcm.HttpConnectionManager.DESCRIPTOR)
    )
    return any(manager.HasField("scoped_routes") for manager in managers)


@dataclass
class EnvoyModel:
    """``good`` decides on a resource; ``naming``: errors about clusters and listeners name them.

    What it has to say is in ``outbox``.
    """

    good: Callable[[Resource], bool] = lambda resource: True
    naming: bool = True
    config: dict[str, dict[str, Resource]] = field(
        default_factory=lambda: {each: {} for each in PUSH_ORDER}
    )
    # What initial_resource_versions would say: nothing of a response that was refused.
    versions: dict[str, dict[str, str]] = field(
        default_factory=lambda: {each: {} for each in PUSH_ORDER}
    )
    refused: set[Resource] = field(default_factory=set)
    warming: set[str] = field(default_factory=set)
    outbox: deque[DeltaDiscoveryRequest] = field(default_factory=deque)

    def begin_stream(self) -> None:
        """Say what Envoy says first on a new stream."""
        self.outbox.clear()
        self.held_back: list[DeltaDiscoveryRequest] = []  # clusters are paused while some warm
        self.subscribed: dict[str, set[str]] = {ENDPOINT: set(), ROUTE: set()}
        self._say(request(CLUSTER, has=self.versions[CLUSTER]))
        self._follow(ENDPOINT, CLUSTER, first=True)
        self._say(request(LISTENER, has=self.versions[LISTENER]))
        self.scoped = False
        self._follow_scopes()
        self._follow(ROUTE, LISTENER, SCOPE, first=True)

    def _say(self, made: DeltaDiscoveryRequest) -> None:
        if made.type_url == CLUSTER and self.warming:
            self.held_back.append(made)
        else:
            self.outbox.append(made)

    def apply(self, push: Push) -> list[Resource]:
        """Take a response, answer it, and return what of it is refused."""
        names = [each.name for each in push.resources] + list(push.removed)
        mine = self.subscribed.get(push.type_url, set(names))  # the rest is ignored
        assert len(names) == len(set(names)), "a name twice in one response"
        bad: list[Resource] = []
        for each in push.resources:
            if not self._takes(each, push, bad):
                bad.append(each)
        by_name = self.names_each(push, bad)
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
        self._follow(ENDPOINT, CLUSTER)
        self._follow_scopes()
        self._follow(ROUTE, LISTENER, SCOPE)
        self._say(request(push.type_url, nonce=push.nonce, error=self._error(push, bad, by_name)))
        if not self.warming:
            self.outbox.extend(self.held_back)
            self.held_back.clear()
        self._check()
        return bad

    def names_each(self, push: Push, bad: list[Resource]) -> bool:
        """Whether the error names each bad resource; then the good ones are applied."""
        return push.type_url in NAMED and (self.naming or all(map(self.good, bad)))

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
            for name in _references(each)
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
        there = self.config[CLUSTER].keys() | never_taken
        for user in (*self.config[ROUTE].values(), *self.config[LISTENER].values()):
            missing = used_clusters(user) - there
            assert not missing, f"{user.type_url} {user.name} refers to {missing}"


_references = lru_cache(maxsize=4096)(references)
