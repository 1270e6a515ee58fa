"""Placements: where the declared things run right now. The runner finds out, ``compile`` reads.

On Kubernetes the cluster knows; embedded, this is the other half of ``compile``'s input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.model.names import ObjectName


@dataclass(frozen=True, slots=True, order=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SidecarPlacement:
    """The addresses around one workload, keyed by the workload port's number where there are many.

    ``inbound``: the sidecar's listeners, which callers' clusters use as endpoints.
    ``application``: where the application itself listens. ``outbound``: the forward proxy.
    """

    workload: ObjectName
    inbound: Mapping[int, Address]
    application: Mapping[int, Address]
    outbound: Address


@dataclass(frozen=True, slots=True)
class GatewayPlacement:
    """A gateway's listeners, keyed by the declared port number."""

    gateway: ObjectName
    listeners: Mapping[int, Address]


@dataclass(frozen=True, slots=True)
class Placements:
    """``ready`` holds the workloads that may receive requests; the others have no endpoints."""

    sidecars: Mapping[ObjectName, SidecarPlacement] = field(default_factory=dict)
    gateways: Mapping[ObjectName, GatewayPlacement] = field(default_factory=dict)
    ready: frozenset[ObjectName] = frozenset()
