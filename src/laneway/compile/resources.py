"""Snapshots: the configuration of a proxy, as immutable resources versioned by their content.

They are the output of the Envoy emitter and the input of the xDS server. A resource is serialized
and hashed once, and shared by all snapshots that contain it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_API = "type.googleapis.com/envoy.config."
CLUSTER = f"{_API}cluster.v3.Cluster"
ENDPOINT = f"{_API}endpoint.v3.ClusterLoadAssignment"
LISTENER = f"{_API}listener.v3.Listener"
ROUTE = f"{_API}route.v3.RouteConfiguration"
SCOPE = f"{_API}route.v3.ScopedRouteConfiguration"

#: Make before break: clusters and endpoints before the listeners, scopes and routes that use them
#: (xDS protocol, "Eventual consistency considerations").
PUSH_ORDER = (CLUSTER, ENDPOINT, LISTENER, SCOPE, ROUTE)


@dataclass(frozen=True, slots=True)
class Resource:
    """One xDS resource. ``body`` is the message (not the Any), serialized deterministically."""

    type_url: str
    name: str
    body: bytes
    version: str

    @staticmethod
    def of(type_url: str, name: str, body: bytes) -> Resource:
        version = hashlib.blake2b(body, digest_size=8).hexdigest()
        return Resource(type_url, name, body, version)


Resources = Mapping[str, Resource]


class Layers(Resources):
    """The resources of one proxy, and those that it shares with others. Their names are distinct.

    To compare snapshots, compare the layers: the shared one is the same object for all proxies, and
    often before and after a change.
    """

    __slots__ = ("own", "shared")

    def __init__(self, own: Resources, shared: Resources) -> None:
        self.own = own
        self.shared = shared

    def __getitem__(self, name: str) -> Resource:
        found = self.own.get(name)
        return self.shared[name] if found is None else found

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield from self.shared

    def __len__(self) -> int:
        return len(self.own) + len(self.shared)

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in self.shared


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Resources by type URL, then by name. Types that a proxy does not use may be absent."""

    types: Mapping[str, Resources] = field(default_factory=dict)

    def resources(self, type_url: str) -> Resources:
        return self.types.get(type_url, {})
