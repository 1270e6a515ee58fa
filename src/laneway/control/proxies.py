"""The ports: what the use cases ask of the outside. Adapters implement them, ``wiring`` joins."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from laneway.compile.resources import Snapshot

#: Node metadata: a number that grows with each process that is started for a node. Of two that are
#: connected at once (a hot restart), only the one with the greater is configured.
GENERATION = "laneway.dev/generation"


class Publisher(Protocol):
    """Hands every proxy its snapshot. Node ids are the keys."""

    def publish(self, snapshots: Mapping[str, Snapshot]) -> None:
        """Replace what proxies should have; proxies not named keep theirs.

        Returns at once: proxies that are connected are sent what changed, others get it when
        they connect.
        """
        ...

    def forget(self, node: str) -> None:
        """The proxy is gone for good: drop its snapshot and its records."""
        ...


class Verdict(enum.Enum):
    """What a proxy said of a resource it was sent."""

    PENDING = "pending"
    ACKED = "acked"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ResourceStatus:
    """``sent`` is the version last sent, ``accepted`` the one last acknowledged ("" for none).

    ``error`` is Envoy's own text for a rejected version.
    """

    type_url: str
    name: str
    sent: str
    accepted: str
    verdict: Verdict
    error: str = ""


@dataclass(frozen=True, slots=True)
class ProxyStatus:
    """One proxy as the xDS server sees it. ``synced``: it acknowledged all that it should have.

    ``resources`` are those that it has not acknowledged: rejected, or not answered yet.
    ``greeted``: on its present connection it has settled at least once, which a proxy that has just
    started has not.
    """

    node: str
    connected: bool
    synced: bool
    resources: tuple[ResourceStatus, ...] = ()
    greeted: bool = True


class Proxies(Protocol):
    """What the proxies have said. Implemented by the xDS server."""

    def status(self, node: str) -> ProxyStatus: ...

    async def wait_synced(self, nodes: frozenset[str]) -> Mapping[str, ProxyStatus]:
        """Wait until each is synced or has rejected something it should have."""
        ...
