"""The IR: what each service, and each gateway, does for each lane.

``lower`` builds it from a mesh; the Envoy emitter, the ASM emitter and the simulator read it. All
that lanes *mean* is decided before this point: here a route is an O(1) choice by header value and
a target is an ordered chain of subsets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from laneway.model.caller_rules import CallerRule
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.lanes import IngressRule, Lane, MemoryLimits, Sticky
from laneway.model.matches import StringMatch
from laneway.model.names import ObjectName
from laneway.model.rule_actions import NO_ACTIONS, RuleActions
from laneway.model.services import Service, ServicePort


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go: the first subset of ``chain`` with a healthy instance answers.

    The names in ``chain`` are lanes that contain the service. An empty chain means all the
    service's workloads (a service in no group).
    """

    service: Service
    port: ServicePort
    chain: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LaneChoice:
    """One header's say: its value, if it is a key of ``lanes``, decides the target."""

    group: str
    header: str
    lanes: Mapping[str, Target]


@dataclass(frozen=True, slots=True)
class ByCaller:
    """Calls that are of the caller's own lane, whose target is the one in the route's choice.

    ``trace_header`` is what the caller's proxy fills in where it is missing: a call that begins in
    a workload has no trace id yet, and later hops know the lane by it. Not one of tracing systems,
    which begin a trace themselves.
    """

    rule: CallerRule
    trace_header: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """The choices are tried in order; where none decides, ``default`` (the baseline) serves.

    ``by_caller`` precedes the choices, for calls of workloads whose lane has that rule
    (``MeshRoutes.caller_rules``). Such a call then names the lane in the route header.
    """

    choices: tuple[LaneChoice, ...]
    default: Target
    by_caller: tuple[ByCaller, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceRoutes:
    """How calls to a service are routed at every caller's sidecar, by service port.

    ``subsets`` are the lanes of ``group`` that contain the service, in order. ``baseline`` is the
    lane that serves it for others (the group's, or the service's own).
    """

    service: Service
    group: str | None
    subsets: tuple[Lane, ...]
    baseline: str | None
    by_port: Mapping[int, Route]


@dataclass(frozen=True, slots=True)
class Share:
    """``weight`` of 100 requests enter ``lane``; the gateway sets the route header to it.

    Without a name: they stay without a lane, so that every service's own baseline answers them
    (``LaneGroup.service_baselines``), and the header is removed.
    """

    lane: str
    weight: int
    target: Target


@dataclass(frozen=True, slots=True)
class LaneNames:
    """Lanes of one group, or of groups that share ``header``, in which a request has to name one
    of them."""

    header: str
    lanes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """For requests that name no lane. The weights of ``shares`` sum to 100.

    ``ranges`` are the shares in the order of the hash that keeps users to their lanes, where
    ``sticky``; a lane may have several there. ``exempt`` are the lanes that a request can name,
    for each route header of a gateway's route; any other value of these headers counts as none.
    """

    header: str
    shares: tuple[Share, ...]
    ranges: tuple[Share, ...]
    sticky: Sticky | None
    exempt: tuple[LaneNames, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryRule:
    """At a gateway: requests that meet the condition and do not have ``split.header`` enter a lane.

    By the weights of ``split``, of which the share without a name stays without a lane. Header
    names are in lower case. ``rules`` are the rules it came from, as (lane, rule).
    """

    host: str
    uri: StringMatch | None
    methods: tuple[str, ...]
    headers: Mapping[str, StringMatch]
    query: Mapping[str, StringMatch]
    split: Split
    rules: tuple[tuple[Lane, IngressRule], ...]

    @property
    def group(self) -> str:
        return self.rules[0][0].group


@dataclass(frozen=True, slots=True)
class LaneNaming:
    """At a gateway: how the lane that a request names is found, and written into ``header``.

    The header itself is looked at first, then ``others`` (lower-case headers), the ``cookies`` and
    the ``query`` parameters. The first of their values that is a key of ``lanes`` decides; where
    there is none, the header is removed.
    """

    header: str
    others: tuple[str, ...]
    cookies: tuple[str, ...]
    query: tuple[str, ...]
    lanes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EnteredLane:
    """A lane that requests enter without naming it; the gateway sets ``header`` to its name."""

    header: str
    lane: str


@dataclass(frozen=True, slots=True)
class IngressRoute:
    """One condition at a gateway, merged over lanes that state it.

    ``named``: it is only for requests that name one of these lanes; ``None``: for all requests,
    since the baseline states it. ``rules`` are the rules it came from, as (lane, rule).
    ``trace_headers`` are those that the route fills in with an id of its own when the caller sent
    none, so that sidecars can tell requests apart; not those of tracing systems
    (``GatewayRoutes.trace_contexts``). ``not_found``: a request that names none of the lanes is
    answered 404 instead of the default. ``entered``: the lane whose rule it is alone, and which
    all requests enter that meet it; there is no choice, and the default is the lane's.
    ``actions`` are those of all of the rules.
    """

    host: str
    uri: StringMatch | None
    headers: Mapping[str, StringMatch]
    route: Route
    rules: tuple[tuple[Lane, IngressRule], ...]
    trace_headers: tuple[str, ...]
    methods: tuple[str, ...] = ()
    query: Mapping[str, StringMatch] = field(default_factory=dict)
    split: Split | None = None
    not_found: bool = False
    named: LaneNames | None = None
    entered: EnteredLane | None = None
    actions: RuleActions = NO_ACTIONS

    @property
    def empty_trace_headers(self) -> Iterator[tuple[str, ...]]:
        """Trace headers that may be there and be empty at once, the most first."""
        for number in range(len(self.trace_headers), 0, -1):
            yield from combinations(self.trace_headers, number)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups whose rules the route comes from, in order."""
        return tuple(dict.fromkeys(lane.group for lane, _ in self.rules))


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """Routes for one domain (``*`` and ``*.suffix`` allowed), in order of precedence.

    Of ``entries``, which come before them, at most one decides on a request; who is not chosen by
    its weights is not given a lane by those of a route, either.
    """

    domain: str
    routes: tuple[IngressRoute, ...]
    entries: tuple[EntryRule, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerRoutes:
    server: GatewayServer
    virtual_hosts: tuple[VirtualHost, ...]


@dataclass(frozen=True, slots=True)
class TraceMemory:
    """A sidecar of ``group`` remembers trace id -> lane inbound, and sets the lane outbound."""

    group: str
    route_header: str
    trace_header: str
    limits: MemoryLimits = field(default_factory=MemoryLimits)


@dataclass(frozen=True, slots=True)
class BaggageMember:
    """A sidecar of ``group`` puts the lane into W3C baggage as the member ``key`` inbound, and sets
    it from there outbound."""

    group: str
    route_header: str
    key: str


#: A trace header, its lines joined by commas, whose first line is empty. It counts as missing.
EMPTY_ID = r"[ \t]*(,.*)?"

#: By what a lane travels through applications that do not pass on the route header.
Carrier = TraceMemory | BaggageMember


@dataclass(frozen=True, slots=True)
class GatewayRoutes:
    """``baggage``: the members that name a lane where the route header does not.

    ``naming``: for each route header of groups that use more than it, or have entry rules.
    ``trace_contexts``: trace headers of tracing systems. The gateway makes up the value that a
    request lacks, in the format that the system knows; routes alone could not.
    """

    gateway: Gateway
    servers: tuple[ServerRoutes, ...]
    baggage: tuple[BaggageMember, ...] = ()
    naming: tuple[LaneNaming, ...] = ()
    trace_contexts: tuple[TraceMemory, ...] = ()

    @property
    def has_entries(self) -> bool:
        return any(host.entries for server in self.servers for host in server.virtual_hosts)

    @property
    def carriers(self) -> tuple[Carrier, ...]:
        """What the gateway needs the lane filter for."""
        return *self.baggage, *self.trace_contexts

    @property
    def groups(self) -> frozenset[str]:
        """The groups whose rules are served here."""
        hosts = (host for server in self.servers for host in server.virtual_hosts)
        return frozenset(group for host in hosts for route in host.routes for group in route.groups)


@dataclass(frozen=True, slots=True)
class MeshRoutes:
    """The whole IR. ``services`` holds every service of the mesh, in a group or not.

    ``caller_rules``: group -> lane -> when its workloads' calls belong to it.
    """

    services: Mapping[ObjectName, ServiceRoutes]
    gateways: Mapping[ObjectName, GatewayRoutes]
    memories: Mapping[ObjectName, Carrier]
    caller_rules: Mapping[str, Mapping[str, CallerRule]] = field(default_factory=dict)
