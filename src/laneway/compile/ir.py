"""The IR: what each service, and each gateway, does for each lane.

``lower`` builds it from a mesh; the emitters and the simulator read it. The meaning of lanes is
decided before this point: here a route is an O(1) choice by the value of a header, and a target is
an ordered chain of subsets.
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
    """The choice by one header: if its value is a key of ``lanes``, that is the target."""

    group: str
    header: str
    lanes: Mapping[str, Target]


@dataclass(frozen=True, slots=True)
class ByCaller:
    """Calls that belong to the caller's lane. Their target is that of the lane in the choice.

    The caller's proxy generates ``trace_header`` if it is missing: a call that begins in a workload
    has no trace id yet, and later hops find the lane by it. Not for headers of tracing systems,
    which begin a trace themselves.
    """

    rule: CallerRule
    trace_header: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """The choices are tried in order. If none decides, ``default`` (the baseline) is the target.

    ``by_caller`` takes precedence over the choices, for calls of workloads whose lane has that rule
    (``MeshRoutes.caller_rules``). Such a call gets the lane in the route header.
    """

    choices: tuple[LaneChoice, ...]
    default: Target
    by_caller: tuple[ByCaller, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceRoutes:
    """How calls to a service are routed at every caller's sidecar, by service port.

    ``subsets`` are the lanes of ``group`` that contain the service, in order. ``baseline`` is the
    lane that answers for other lanes: that of the group, or the service's own.
    """

    service: Service
    group: str | None
    subsets: tuple[Lane, ...]
    baseline: str | None
    by_port: Mapping[int, Route]


@dataclass(frozen=True, slots=True)
class Share:
    """``weight`` of 100 requests enter ``lane``, and the gateway sets the route header to it.

    With no ``lane`` they stay without a lane, and the header is removed. So the own baselines of
    services answer them (``LaneGroup.service_baselines``).
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

    The weights of ``split`` choose the lane; one share may stay without a lane. Header names are in
    lower case. ``rules`` are the original rules, as (lane, rule).
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

    The order is: the header itself, ``others`` (lower-case headers), ``cookies``, ``query``
    parameters. The first value that is a key of ``lanes`` decides. If there is none, the header is
    removed.
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
    """One condition at a gateway, for all lanes that have it.

    ``named``: the route is only for requests that name one of these lanes. ``None`` means all
    requests, because the baseline has the condition. ``rules`` are the original rules, as (lane,
    rule). ``trace_headers``: the gateway generates a trace id if the client sent none, so that
    sidecars can distinguish requests; not for headers of tracing systems
    (``GatewayRoutes.trace_contexts``). ``not_found``: requests that name none of the lanes are
    answered 404 instead of the default. ``entered``: the only lane with the condition, which all
    matching requests enter; then there is no choice, and the default is that of the lane.
    ``actions`` are those of all rules.
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
        """The combinations of trace headers that may be empty at once, the largest first."""
        for number in range(len(self.trace_headers), 0, -1):
            yield from combinations(self.trace_headers, number)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups whose rules the route comes from, in order."""
        return tuple(dict.fromkeys(lane.group for lane, _ in self.rules))


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """Routes for one domain (``*`` and ``*.suffix`` are allowed), in order of precedence.

    ``entries`` come before them; at most one of them decides about a request. If its weights leave
    the request without a lane, the weights of a route do not apply, either.
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
    """Sidecars of ``group`` remember the lane of a trace id inbound, and set the lane outbound."""

    group: str
    route_header: str
    trace_header: str
    limits: MemoryLimits = field(default_factory=MemoryLimits)


@dataclass(frozen=True, slots=True)
class BaggageMember:
    """Sidecars of ``group`` put the lane into the member ``key`` of W3C baggage inbound, and set
    the lane from there outbound."""

    group: str
    route_header: str
    key: str


#: Matches a trace header (its lines joined by commas) with an empty first line: it counts as
#: missing.
EMPTY_ID = r"[ \t]*(,.*)?"

#: How a lane is propagated through applications that do not pass on the route header.
Carrier = TraceMemory | BaggageMember


@dataclass(frozen=True, slots=True)
class RouteHeader:
    """Applications of ``group`` pass on the route header itself."""

    group: str
    route_header: str


#: How a lane is propagated.
Propagated = Carrier | RouteHeader


@dataclass(frozen=True, slots=True)
class GatewayRoutes:
    """``baggage``: the members that name a lane if the route header does not.

    ``naming``: one for each route header of groups with ``routeBy`` or ``enter`` rules.
    ``trace_contexts``: trace headers of tracing systems. The gateway generates a missing value in
    the format of the system, which routes alone could not do.
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
        """The propagations for which the gateway needs the lane filter."""
        return *self.baggage, *self.trace_contexts

    @property
    def groups(self) -> frozenset[str]:
        """The groups whose rules are served here."""
        hosts = (host for server in self.servers for host in server.virtual_hosts)
        return frozenset(group for host in hosts for route in host.routes for group in route.groups)


@dataclass(frozen=True, slots=True)
class MeshRoutes:
    """The whole IR. ``services`` contains all services of the mesh, in a group or not.

    ``caller_rules``: group -> lane -> when calls of its workloads belong to the lane.
    ``memories`` and ``route_headers`` say how the lanes of each service in a group are propagated.
    """

    services: Mapping[ObjectName, ServiceRoutes]
    gateways: Mapping[ObjectName, GatewayRoutes]
    memories: Mapping[ObjectName, Carrier]
    caller_rules: Mapping[str, Mapping[str, CallerRule]] = field(default_factory=dict)
    route_headers: Mapping[ObjectName, RouteHeader] = field(default_factory=dict)
