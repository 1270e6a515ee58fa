"""Lane groups and lanes: the subject of this project.

Vocabulary (ASM's, in English): a *lane group* is a call chain's services with one gateway, a mode,
a *route header* that names the lane and a *trace header* that applications pass on; a *lane* is a
label selector over the workloads of some of those services.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from laneway.model.label_selectors import LabelRequirement
from laneway.model.matches import StringMatch
from laneway.model.names import ObjectName
from laneway.model.rule_actions import NO_ACTIONS, RuleActions


class Mode(enum.Enum):
    """Permissive lanes fall back where they have no healthy instance; strict ones answer 503."""

    PERMISSIVE = "permissive"
    STRICT = "strict"


class Propagation(enum.Enum):
    """How the lane reaches the next hop; follows from the group's two headers."""

    HEADER = "header"  # applications pass on the route header itself
    TRACE = "trace"  # applications pass on a trace id; sidecars remember its lane
    BAGGAGE = "baggage"  # applications pass on W3C baggage, of which the lane is a member


class Unmatched(enum.Enum):
    """What a gateway does with a request that meets a rule but names no lane of it."""

    BASELINE = "baseline"
    NOT_FOUND = "notFound"


class CallsWithoutLane(enum.Enum):
    """Where a call goes that names no lane, and that a workload of one lane alone makes."""

    BASELINE = "baseline"
    OWN_LANE = "ownLane"


class StickyKind(enum.Enum):
    HEADER = "header"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class Sticky:
    """What keeps a user in one lane while lanes are chosen by weight."""

    kind: StickyKind
    name: str


@dataclass(frozen=True, slots=True)
class RouteBy:
    """Where else than in the route header a request may name a lane at the gateway.

    The order is that of precedence: the route header, the other ``headers`` in turn, the
    ``cookie``, the ``query`` parameter. From the gateway on the route header alone names the lane.
    """

    headers: tuple[str, ...] = ()
    cookie: str | None = None
    query: str | None = None


@dataclass(frozen=True, slots=True)
class IngressRule:
    """Which requests enter a lane at the gateway, besides naming it in the route header.

    All conditions must hold; no ``methods`` means any, ``uri`` is the path without its query.
    ``destination`` is the entry service; ``port`` ``None`` is its only (else first) port.
    A rule that is not ``online`` takes no effect. With ``enter`` a request that names no lane
    enters this one by meeting the conditions: ``weight`` percent of them do, at random or, where
    ``sticky`` (else the group's) tells users apart, always the same users. ``actions`` are taken
    on all requests that the rule takes.
    """

    name: str
    destination: ObjectName
    hosts: tuple[str, ...] = ("*",)
    uri: StringMatch | None = None
    headers: Mapping[str, StringMatch] = field(default_factory=dict)
    port: int | None = None
    online: bool = True
    methods: tuple[str, ...] = ()
    query: Mapping[str, StringMatch] = field(default_factory=dict)
    enter: bool = False
    weight: int = 100
    sticky: Sticky | None = None
    actions: RuleActions = NO_ACTIONS


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """How long, and how much, sidecars remember of trace ids. ``None``: the lane filter's default.

    ``sets`` hold 16 trace ids each (``docs/decisions/0003-trace-memory.md``).
    """

    ttl_seconds: int | None = None
    sets: int | None = None


@dataclass(frozen=True, slots=True)
class LaneGroup:
    """``baseline`` ``None`` means the first lane of the group, as in ASM.

    ``service_baselines`` overrides it for single services (ASM: serviceLevelFallbackTarget).
    ``sticky`` ``None``: a request that is given a lane by weight is given it at random.
    ``ingress`` are the rules of every lane that states none; a mesh that was read has them in its
    lanes already. ``listen`` is the port of this machine where a gateway that is assumed for the
    group listens; 0 lets the runner choose.
    """

    name: str
    services: tuple[ObjectName, ...]
    route_header: str
    trace_header: str
    gateway: ObjectName | None = None
    mode: Mode = Mode.PERMISSIVE
    baseline: str | None = None
    service_baselines: Mapping[ObjectName, str] = field(default_factory=dict)
    unmatched: Unmatched = Unmatched.BASELINE
    sticky: Sticky | None = None
    ingress: tuple[IngressRule, ...] = ()
    route_by: RouteBy = RouteBy()
    calls_without_lane: CallsWithoutLane = CallsWithoutLane.BASELINE
    trace_memory: MemoryLimits = MemoryLimits()
    listen: int = 0

    @property
    def propagation(self) -> Propagation:
        if self.trace_header.lower() == self.route_header.lower():
            return Propagation.HEADER
        baggage = self.trace_header.lower() == "baggage"
        return Propagation.BAGGAGE if baggage else Propagation.TRACE

    @property
    def baggage_key(self) -> str:
        """The baggage member that carries the lane, as ASM's header propagation names it."""
        return self.route_header.lower()


@dataclass(frozen=True, slots=True)
class Lane:
    """``name`` is the route header's value and the Istio subset's name; at a gateway the values
    ``names`` name the lane, too.

    ``fallback`` are the lanes to try after this one, in order; the baseline is always the last.
    Its workloads have the labels of ``selector`` and meet ``match_expressions``. What it selects,
    the lanes of ``shares_workloads_with`` may select as well.
    One that is not ``enabled``, or past ``expires_at`` (with a time zone), is as if it were not
    declared (``lane_lives``). Of a group's lanes, those with a lower ``order`` come first.
    ``mode`` ``None`` is the group's. ``weight`` is the percentage of the requests that meet this
    lane's rules without naming a lane, and that enter it all the same; the baseline gets the rest.
    ``calls_without_lane`` ``None`` is the group's.
    """

    name: str
    group: str
    selector: Mapping[str, str]
    services: tuple[ObjectName, ...]
    ingress: tuple[IngressRule, ...] = ()
    fallback: tuple[str, ...] = ()
    mode: Mode | None = None
    weight: int = 0
    names: tuple[str, ...] = ()
    calls_without_lane: CallsWithoutLane | None = None
    match_expressions: tuple[LabelRequirement, ...] = ()
    shares_workloads_with: tuple[str, ...] = ()
    enabled: bool = True
    owner: str = ""
    expires_at: datetime | None = None
    order: int = 0

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether these are the labels of one of the lane's workloads."""
        return all(labels.get(key) == value for key, value in self.selector.items()) and all(
            requirement.holds(labels) for requirement in self.match_expressions
        )
