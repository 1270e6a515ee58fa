"""Checks the claim of each finding about its example with the simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from laneway.compile.analyze import Code, analyze
from laneway.compile.analyze.assumed_workloads import populated
from laneway.compile.ir import IngressRoute
from laneway.compile.lower import lower
from laneway.compile.simulate import Hop, Outcome, Request, Why, simulate
from laneway.compile.simulate.gateways import find_route, gateway_named, hosts_at
from laneway.compile.simulate.path_normalization import split_target
from laneway.model import codes
from laneway.model.examples import Example
from laneway.model.findings import Finding, Severity
from laneway.model.hosts import host_covers
from laneway.model.lanes import IngressRule, Lane, LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName


class Shown:
    """A finding, its example, and what the simulator makes of it."""

    def __init__(self, mesh: Mesh, finding: Finding) -> None:
        assert finding.example is not None, f"no example: {finding}"
        self.mesh, self.finding, self.example = populated(mesh), finding, finding.example
        self.request = request_of(finding.example)
        self.routes = lower(mesh)
        self.outcome = self.draw(0)

    def draw(self, draw: int) -> Outcome:
        down = self.example.down
        return simulate(
            self.mesh,
            self.routes,
            self.request,
            gateway=self.example.gateway,
            port=self.example.port,
            ready=[w.name for w in self.mesh.workloads if w.name not in down],
            draw=draw,
        )

    @property
    def taker(self) -> IngressRoute | None:
        gateway = gateway_named(self.routes, self.example.gateway)
        target = split_target(self.request.path)
        hosts = hosts_at(gateway, self.example.port)
        return find_route(hosts, self.request, *target) if target else None

    @property
    def first(self) -> Hop:
        return self.outcome.hops[0]

    @property
    def lane(self) -> Lane:
        assert self.finding.subject is not None
        name = self.finding.subject.name
        return next(one for one in self.mesh.lanes if f"{one.group}/{one.name}" == name)

    @property
    def group(self) -> LaneGroup:
        assert self.finding.subject is not None
        return self.mesh.groups_by_name[self.finding.subject.name.partition("/")[0]]

    @property
    def rule(self) -> IngressRule:
        index = self.finding.path[2]
        assert isinstance(index, int)
        return self.lane.ingress[index]

    @property
    def named(self) -> str | None:
        """The lane that the request names in the group's route header."""
        values = self.request.header_lines.get(self.group.route_header.lower())
        return values[0] if values else None


def request_of(example: Example) -> Request:
    return Request(example.host, example.path, example.method, dict(example.headers))


def prove(mesh: Mesh, finding: Finding) -> None:
    """Fails unless the finding's request does what the finding says."""
    shown = Shown(mesh, finding)
    assert PROOFS[finding.code](shown), f"{finding}\n{shown.outcome}"


def proved(mesh: Mesh, ready: frozenset[ObjectName] | None = None) -> list[Finding]:
    """The findings of the mesh, each proved as far as it has an example."""
    findings = analyze(mesh, ready)
    for finding in findings:
        if finding.example is not None:
            prove(mesh, finding)
    return findings


def only(mesh: Mesh, code: str, ready: frozenset[ObjectName] | None = None) -> Finding:
    """The mesh's one finding, which is of that code and has an example that proves it."""
    findings = proved(mesh, ready)
    assert [each.code for each in findings] == [code], findings
    (finding,) = findings
    assert finding.example is not None
    assert finding.fix
    return finding


def meets(rule: IngressRule, request: Request) -> bool:
    """Whether the rule asks for such a request; not by way of the simulator's own matching."""
    target = split_target(request.path)
    if target is None or not any(host_covers(host, request.host) for host in rule.hosts):
        return False
    path, query = target
    parts = [part.partition("=") for part in query.split("&")]
    pairs = {key: value for key, _, value in reversed(parts)}
    lines = {name: values[0] for name, values in request.header_lines.items()}
    return (
        (rule.uri is None or rule.uri.matches(path))
        and (not rule.methods or request.method in rule.methods)
        and all(m.matches(lines.get(n.lower(), "\0")) for n, m in rule.headers.items())
        and all(m.matches(pairs.get(n, "\0")) for n, m in rule.query.items())
    )


def _of_others(shown: Shown) -> bool:
    taker = shown.taker
    return taker is None or all(rule is not shown.rule for _, rule in taker.rules)


def _overlap(shown: Shown) -> bool:
    taker = shown.taker
    assert taker is not None
    groups = {lane.group for lane, _ in taker.rules}
    return bool(groups - {shown.lane.group}) and meets(shown.rule, shown.request)


def _unready(shown: Shown) -> bool:
    lane = shown.lane
    index = shown.finding.path[2]
    assert isinstance(index, int)
    hops = [hop for hop in shown.outcome.hops if hop.service == lane.services[index]]
    told = f"lane {lane.name} has no ready instance of {lane.services[index]}"
    asked = [hop for hop in hops if any(reason.text == told for reason in hop.reasons)]
    refused = shown.outcome.failure is not None and shown.outcome.failure.status == 503
    error = shown.finding.severity is Severity.ERROR
    return bool(asked) and (refused or not error) and all(h.served != lane.name for h in asked)


def _later(shown: Shown) -> Iterator[tuple[Hop, LaneGroup | None]]:
    for hop in shown.outcome.hops[1:]:
        yield hop, shown.mesh.groups_by_service.get(hop.service)


def _lost(shown: Shown) -> bool:
    lanes = {lane.name: lane for lane in shown.mesh.lanes_by_group[shown.group.name]}
    lane = lanes[shown.named or ""]
    return any(
        group is shown.group and hop.service in lane.services and hop.served != lane.name
        and hop.intended != lane.name
        for hop, group in _later(shown)
    )  # fmt: skip


def _taken(shown: Shown) -> bool:
    named = shown.request.header_lines[shown.group.route_header.lower()][0]
    return any(group is shown.group and hop.served == named for hop, group in _later(shown))


def _conflict(shown: Shown) -> bool:
    reasons = [reason for hop in shown.outcome.hops for reason in hop.reasons]
    if shown.finding.path == ("spec", "sticky"):
        return any(reason.why is Why.WEIGHT for reason in reasons)
    header = shown.group.trace_header
    if header.lower() in shown.request.header_lines:
        return True
    return any(r.why is Why.TRACE_SET and header in r.text for r in reasons)


def _same_id(shown: Shown) -> bool:
    return shown.group.trace_header.lower() in shown.request.header_lines


def _diverted(shown: Shown) -> bool:
    """The lane asks for the request, and does not get it: the baseline asks for more of it."""
    lanes = {lane.name: lane for lane in shown.mesh.lanes_by_group[shown.group.name]}
    name = shown.named or ""
    asking = [r for r in lanes[name].ingress if r.online and meets(r, shown.request)]
    if not shown.outcome.hops:  # turned away
        return bool(asking)
    served = any(r.destination in lanes[name].services for r in asking)
    return served and shown.first.served != name and meets(shown.rule, shown.request)


def _refused_without_lane(shown: Shown) -> bool:
    """It enters no service of the group, and would if it named a lane of which it meets a rule."""
    header = shown.group.route_header
    asking = [
        lane
        for lane in shown.mesh.lanes_by_group[shown.group.name]
        for r in lane.ingress
        if r.online
        and meets(r, replace(shown.request, headers={**shown.request.headers, header: lane.name}))
    ]
    refused = not shown.outcome.hops or shown.first.service not in shown.group.services
    return shown.named is None and refused and shown.lane not in asking and bool(asking)


def _not_in_its_lane(shown: Shown) -> bool:
    lanes = {lane.name for lane in shown.mesh.lanes_by_group[shown.group.name]}
    return any(h.intended in lanes and h.served != h.intended for h in shown.outcome.hops)


def _enters(shown: Shown) -> bool:
    return any(reason.why is Why.ENTERED for reason in shown.first.reasons)


def _over_weight(shown: Shown) -> bool:
    baseline = shown.mesh.baseline(shown.group)
    assert baseline is not None
    if "ingress" in shown.finding.path:  # of an enter rule: nobody stays without a lane
        return all(shown.draw(draw).hops[0].intended is not None for draw in range(100))
    return all(shown.draw(draw).hops[0].intended != baseline.name for draw in range(100))


PROOFS: dict[str, Callable[[Shown], bool]] = {
    Code.BASELINE_WITHOUT_RULE: _refused_without_lane,
    Code.DIVERTING_RULE: _diverted,
    Code.GROUP_WITHOUT_RULES: lambda s: (
        not s.outcome.hops or s.first.service not in s.group.services
    ),
    Code.HEADER_CONFLICT: _conflict,
    Code.LANE_LOST: _lost,
    Code.LANE_WITHOUT_RULE: lambda s: (
        s.named == s.lane.name
        and s.first.service in s.lane.services
        and s.first.served != s.lane.name
    ),
    Code.NAMED_REQUESTS_ONLY: lambda s: (
        s.named is None
        and all(hop.intended != s.lane.name for hop in s.outcome.hops[:1])
        and meets(s.rule, s.request)
    ),
    Code.NO_READY_WORKLOAD: _unready,
    Code.OVERLAPPING_ENTER_RULES: lambda s: meets(s.rule, s.request) and _enters(s),
    Code.OVERLAPPING_RULES: _overlap,
    Code.SHADOWED_ENTER_RULE: lambda s: meets(s.rule, s.request) and _enters(s),
    Code.SHADOWED_RULE: lambda s: meets(s.rule, s.request) and _of_others(s),
    Code.SHARED_ROUTE_HEADER: _taken,
    Code.SHARED_TRACE_ID: _same_id,
    Code.CHANGING_TRACE_HEADER: _same_id,
    Code.UNMATCHABLE_RULE: _of_others,
    Code.UNREACHABLE_LANE: lambda s: (
        s.named == s.lane.name
        # Another group may have a lane of that name.
        and all(h.served != s.lane.name for h in s.outcome.hops if h.service in s.group.services)
    ),
    # What the checks between objects find:
    codes.Code.BASELINE_LACKS_SERVICE: lambda s: any(
        h.served is None and h.service in s.group.services for h in s.outcome.hops
    ),
    codes.Code.CODE_UNEFFECTED_SWIMLANE_LABEL: lambda s: any(
        h.served != s.lane.name and s.lane.name in h.unready for h in s.outcome.hops
    ),
    codes.Code.CONFLICTING_INGRESS: lambda s: s.first.service not in s.group.services,
    codes.Code.DUPLICATE_RULE: lambda s: meets(s.rule, s.request) and s.named == s.lane.name,
    codes.Code.FALLBACK_CYCLE: _not_in_its_lane,
    codes.Code.GROUP_WITHOUT_LANES: lambda s: s.outcome.failure is not None,
    codes.Code.LANE_LACKS_SERVICE: _not_in_its_lane,
    codes.Code.SERVICE_WITHOUT_WORKLOADS: lambda s: s.outcome.failure is not None,
    codes.Code.STRICT_FALLBACK: lambda s: s.outcome.failure is not None,
    codes.Code.UNKNOWN_BASELINE: lambda s: any(h.served is None for h in s.outcome.hops),
    codes.Code.UNSERVED_HOST: _of_others,
    codes.Code.WEIGHTS_EXCEED_100: _over_weight,
}
