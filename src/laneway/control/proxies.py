"""The ports of the control plane to the proxies, which the xDS adapter implements."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from laneway.compile.resources import Snapshot

#: Node metadata: a number that grows with each process that is started for a node. If two are
#: connected at once (a hot restart), only the one with the greater number is configured.
GENERATION = "laneway.dev/generation"


class Publisher(Protocol):
    """Sends every proxy its snapshot."""

    def publish(self, snapshots: Mapping[str, Snapshot]) -> None:
        """Sets the snapshots of proxies, by node id. Other proxies keep theirs.

        Returns at once. Connected proxies are sent the changes, others when they connect.
        """
        ...

    def forget(self, node: str) -> None:
        """Removes the snapshot and status of a proxy that will not come back."""
        ...


class Verdict(enum.Enum):
    """The response of a proxy to a resource."""

    PENDING = "pending"
    ACKED = "acked"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ResourceStatus:
    """``sent`` is the version last sent, ``accepted`` the one last acknowledged ("" for none).

    ``error`` is Envoy's message about a rejected version.
    """

    type_url: str
    name: str
    sent: str
    accepted: str
    verdict: Verdict
    error: str = ""


@dataclass(frozen=True, slots=True)
class ProxyStatus:
    """The status of a proxy. ``synced``: it has acknowledged its whole snapshot.

    ``resources`` are those that it has rejected, or not responded to yet.
    ``greeted``: on its present connection it has settled at least once, which a proxy that has just
    started has not.
    """

    node: str
    connected: bool
    synced: bool
    resources: tuple[ResourceStatus, ...] = ()
    greeted: bool = True


class Proxies(Protocol):
    """The statuses of proxies."""

    def status(self, node: str) -> ProxyStatus: ...

    def is_connected(self, node: str) -> bool: ...

    async def wait_synced(self, nodes: frozenset[str]) -> Mapping[str, ProxyStatus]:
        """Waits until each proxy is synced or has rejected a part of its snapshot."""
        ...
