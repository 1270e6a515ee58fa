"""Lane groups and lanes: the subject of this project.

Vocabulary (ASM's, in English): a *lane group* is a call chain's services with one gateway, a mode,
a *route header* that names the lane and a *trace header* that applications pass on; a *lane* is a
label selector over the workloads of some of those services.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.model.matches import StringMatch
from laneway.model.names import ObjectName


class Mode(enum.Enum):
    """Permissive lanes fall back where they have no healthy instance; strict ones answer 503."""

    PERMISSIVE = "permissive"
    STRICT = "strict"


class Propagation(enum.Enum):
    """How the lane reaches the next hop; follows from the group's two headers."""

    HEADER = "header"  # applications pass on the route header itself
    TRACE = "trace"  # applications pass on a trace id; sidecars remember its lane


@dataclass(frozen=True, slots=True)
class LaneGroup:
    """``baseline`` ``None`` means the first lane of the group, as in ASM."""

    name: str
    services: tuple[ObjectName, ...]
    route_header: str
    trace_header: str
    gateway: ObjectName | None = None
    mode: Mode = Mode.PERMISSIVE
    baseline: str | None = None

    @property
    def propagation(self) -> Propagation:
        same = self.trace_header.lower() == self.route_header.lower()
        return Propagation.HEADER if same else Propagation.TRACE


@dataclass(frozen=True, slots=True)
class IngressRule:
    """Which requests enter a lane at the gateway, besides naming it in the route header.

    ``destination`` is the entry service; ``port`` ``None`` is its only (else first) port.
    A rule that is not ``online`` takes no effect.
    """

    name: str
    destination: ObjectName
    hosts: tuple[str, ...] = ("*",)
    uri: StringMatch | None = None
    headers: Mapping[str, StringMatch] = field(default_factory=dict)
    port: int | None = None
    online: bool = True


@dataclass(frozen=True, slots=True)
class Lane:
    """``name`` is the route header's value and the Istio subset's name."""

    name: str
    group: str
    selector: Mapping[str, str]
    services: tuple[ObjectName, ...]
    ingress: tuple[IngressRule, ...] = ()
