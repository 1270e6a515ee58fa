"""Placements: the addresses at which the objects of a mesh run on this machine.

Together with the mesh they are the input of ``compile.envoy``. In a cluster, Kubernetes knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.model.names import ObjectName
from laneway.model.workloads import Workload


@dataclass(frozen=True, slots=True, order=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class CallPlacement:
    """A loopback port that leads to one service. ``host`` is what callers of the service name, with
    its port unless that is 80."""

    address: Address
    host: str


@dataclass(frozen=True, slots=True)
class SidecarPlacement:
    """The addresses around one workload, keyed by the workload port's number where there are many.

    ``inbound``: the sidecar's listeners, which callers' clusters use as endpoints.
    ``application``: where the application itself listens. ``outbound``: the forward proxy.
    ``calls``: by the variables that hold their URLs.
    ``generation`` is above 1 while a sidecar of an earlier workload of this name is terminating.
    """

    workload: ObjectName
    inbound: Mapping[int, Address]
    application: Mapping[int, Address]
    outbound: Address
    generation: int = 1
    calls: Mapping[str, CallPlacement] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TerminatingSidecar:
    """The sidecar of a removed workload that still answers requests.

    It stays configured, so that calls for these requests take the current routes.
    """

    workload: Workload
    placement: SidecarPlacement


@dataclass(frozen=True, slots=True)
class GatewayPlacement:
    """A gateway's listeners, keyed by the declared port number; ``generation`` as a sidecar's."""

    gateway: ObjectName
    listeners: Mapping[int, Address]
    generation: int = 1


@dataclass(frozen=True, slots=True)
class Placements:
    """``ready`` holds the workloads that may receive requests; the others have no endpoints.

    ``terminating`` are the sidecars that no workload of the mesh has any more, or has yet.
    """

    sidecars: Mapping[ObjectName, SidecarPlacement] = field(default_factory=dict)
    gateways: Mapping[ObjectName, GatewayPlacement] = field(default_factory=dict)
    ready: frozenset[ObjectName] = frozenset()
    terminating: tuple[TerminatingSidecar, ...] = ()
