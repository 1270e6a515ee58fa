"""The simulator: what the data plane would do with one request, hop by hop, and why.

It reads the same IR as the Envoy emitter and follows the proxies. The gateway finds the lane that
the request names or enters by a rule, then picks a route by host, path and headers. The route
header chooses the lane. Inbound sidecars remember the lane of a trace id, or put it into baggage;
outbound sidecars set the route header again. The first subset with a ready instance answers.

``laneway explain`` prints the result, and tests compare it with real Envoys. Two things are not
simulated: each request starts with empty trace memories, and a path is never an absolute URL.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from laneway.compile.ir import EnteredLane, IngressRoute, MeshRoutes, Split, Target, VirtualHost
from laneway.compile.simulate import baggage, trace_contexts
from laneway.compile.simulate.applications import Applications, Call, infer
from laneway.compile.simulate.enter_rules import enter, read_names
from laneway.compile.simulate.gateways import (
    FRESH_ID,
    describe,
    find_route,
    gateway_named,
    hosts_at,
    names,
    set_trace_headers,
)
from laneway.compile.simulate.inactive_lanes import InactiveLanes
from laneway.compile.simulate.lane_choices import Choice, by_caller, choose, weighted
from laneway.compile.simulate.outcomes import Failure, Hop, Outcome, Reason, Request, Why
from laneway.compile.simulate.path_normalization import split_target
from laneway.compile.simulate.phrases import Phrase, reason
from laneway.compile.simulate.rule_actions import action_reasons, changed, rewritten
from laneway.compile.simulate.trace_memories import TraceMemories
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.selection import Selection

_MAX_HOPS = 1000
_NO_INACTIVE = InactiveLanes()

Headers = Mapping[str, str]


def simulate(
    mesh: Mesh,
    routes: MeshRoutes,
    request: Request,
    *,
    gateway: ObjectName | None = None,
    port: int | None = None,
    applications: Applications | None = None,
    ready: Collection[ObjectName] | None = None,
    selection: Selection | None = None,
    draw: int = 0,
    inactive: InactiveLanes = _NO_INACTIVE,
) -> Outcome:
    """The path of ``request``. Every argument has a default that is read from the mesh.

    The defaults are the only ``gateway``, its first ``port``, inferred ``applications``, and all
    workloads as ``ready``. To simulate many requests against one mesh, pass a shared ``selection``
    and ``applications``. ``draw`` (0 to 99) is the random number by which weights choose a lane.
    ``inactive`` lanes are declared but not in the mesh; they only change the explanation. Raises
    ``ValueError`` for a gateway or port that the mesh does not have.
    """
    simulation = _Simulation(
        mesh,
        routes,
        selection or Selection(mesh),
        applications if applications is not None else infer(mesh),
        frozenset(ready) if ready is not None else frozenset(w.name for w in mesh.workloads),
        inactive,
    )
    entered = gateway_named(routes, gateway)
    hosts = hosts_at(entered, port)
    request, made_up = trace_contexts.enter(entered.trace_contexts, request)
    request, read = baggage.enter(entered.baggage, request)
    target = split_target(request.path)
    if target is None:
        return Outcome(failure=Failure(_bad_path(request), 400))
    named = read_names(entered.naming, request, target[1], inactive)
    coloured = enter(hosts, named.request, *target, draw)
    request = coloured.request
    route = find_route(hosts, request, *target)
    if route is None:
        return Outcome(failure=Failure(_no_route(hosts, request), 404))
    if coloured.decided:
        route = replace(route, split=None)
    sent = rewritten(route, request, target[0])
    why = (*read, *made_up, *named.reasons, *coloured.reasons)
    return simulation.walk(route, sent, why, draw)


@dataclass(frozen=True, slots=True)
class _Pending:
    """A call that is still to be made, with the headers that the application sets."""

    caller: Hop
    call: Call
    headers: Headers
    callers: tuple[ObjectName, ...]


@dataclass(frozen=True, slots=True)
class _Simulation:
    mesh: Mesh
    routes: MeshRoutes
    selection: Selection
    applications: Applications
    ready: frozenset[ObjectName]
    inactive: InactiveLanes

    def walk(
        self, ingress: IngressRoute, sent: Request, read: tuple[Reason, ...], draw: int
    ) -> Outcome:
        """Depth first, because an application waits for each call before it makes the next."""
        headers: Headers
        headers = {name: ",".join(values) for name, values in sent.header_lines.items()}
        split = _split(ingress, sent)
        choice = self._enter(ingress, split, headers, draw)
        if isinstance(choice, Failure):
            return Outcome(failure=choice)
        headers, reasons = set_trace_headers(ingress.trace_headers, headers)
        headers = _with_lane(ingress.entered or split, headers, choice)
        headers = changed(ingress.actions.request_headers, headers)
        sent = replace(sent, headers=headers)
        acted = action_reasons(ingress.actions, sent)
        hop, failure = self._arrive(None, choice, (_rule(ingress, choice), *read, *reasons, *acted))
        hops, memories, callers = [hop], TraceMemories(), tuple[ObjectName, ...]()
        pending: list[_Pending] = []
        while failure is None:
            carrier = self.routes.memories.get(hop.service)
            headers = baggage.receive(carrier, headers)
            memories = memories.receive(carrier, hop.workloads, headers)
            pending += reversed(self._calls(hop, headers, (*callers, hop.service)))
            if not pending:
                break
            calling = pending.pop()
            failure = self._impossible(calling, len(hops))
            if failure is None:
                callers = calling.callers
                fresh_id = f"{FRESH_ID} {len(hops)}"
                hop, headers, failure = self._call(calling, memories, fresh_id)
                hops.append(hop)
        called = dict.fromkeys(each.service for each in hops if each.workloads)
        unknown = tuple(name for name in called if name in self.applications.unknown)
        return Outcome(tuple(hops), failure, unknown, sent, ingress.actions.response_headers)

    def _enter(
        self, ingress: IngressRoute, split: Split | None, headers: Headers, draw: int
    ) -> Choice | Failure:
        route = ingress.route
        if split is not None:
            return weighted(split, headers, draw, self.inactive)
        if ingress.entered is not None:
            return Choice(route.default, ingress.entered.lane, ())
        with_rule = {lane.name for lane, _ in ingress.rules}
        choice = choose(self.mesh, route, headers, with_rule, self.inactive)
        if ingress.not_found and choice.by_default:
            named = choice.intended or "none"
            known = ", ".join(lane for c in route.choices for lane in c.lanes)
            said = "".join(
                self.inactive.said_of(each.group, choice.intended) for each in route.choices
            )
            text = f"the request must name one of the lanes {known}; it names {named}{said}"
            return Failure(text, 404)
        return choice

    def _call(
        self, calling: _Pending, memories: TraceMemories, fresh_id: str
    ) -> tuple[Hop, Headers, Failure | None]:
        caller, call = calling.caller, calling.call
        if call.past_sidecar is not None:
            return self._past_sidecar(calling, call.past_sidecar)
        carrier = self.routes.memories.get(caller.service)
        headers, reasons = memories.send(carrier, caller.workloads[0], calling.headers)
        headers, read = baggage.send(carrier, headers)
        route = self.routes.services[call.service].by_port[call.port]
        workload = self.mesh.workloads_by_name[caller.workloads[0]]
        lanes = self.selection.callers.lanes_of(workload) if route.by_caller else ()
        if found := by_caller(self.mesh, route, headers, lanes):
            choice, of, rule = found
            headers = {**headers, of.header.lower(): choice.intended or ""}
            if rule.trace_header is not None:
                headers, more = set_trace_headers([rule.trace_header], headers, "sidecar", fresh_id)
                reasons += more
        else:
            choice = choose(self.mesh, route, headers, inactive=self.inactive)
        hop, failure = self._arrive(caller.service, choice, (*reasons, *read))
        return hop, headers, failure

    def _past_sidecar(
        self, calling: _Pending, called: ObjectName
    ) -> tuple[Hop, Headers, Failure | None]:
        """The call goes to one workload, whatever its lane, and no sidecar sets a route header."""
        call = calling.call
        subsets = self.routes.services[call.service].subsets
        workload = self.mesh.workloads_by_name[called]
        served = next((s.name for s in subsets if s.selects(workload.labels)), None)
        ready = (called,) if called in self.ready else ()
        past = reason(Why.PAST_SIDECAR, Phrase.PAST_SIDECAR, workload=called)
        caller, service = calling.caller.service, call.service
        hop = Hop(caller, service, call.port, None, served, ready, (past,))
        failure = None if ready else Failure(f"nobody listens at the port of {called}")
        return hop, calling.headers, failure

    def _arrive(
        self, caller: ObjectName | None, choice: Choice, reasons: tuple[Reason, ...]
    ) -> tuple[Hop, Failure | None]:
        """The first subset of the target's chain with a ready instance answers."""
        target = choice.target
        why = [*reasons, *choice.reasons]
        served: str | None = None
        unready: tuple[str, ...] = ()
        workloads: tuple[ObjectName, ...] = ()
        for served in target.chain or (None,):
            workloads = self._instances(target, served)
            if workloads:
                break
            why.append(_not_ready(target, served))
            unready += () if served is None else (served,)
        if not workloads:
            served = None
        service, port = target.service.name, target.port.port
        hop = Hop(caller, service, port, choice.intended, served, workloads, tuple(why), unready)
        return hop, None if workloads else Failure(_no_instance(target), 503)

    def _instances(self, target: Target, lane: str | None) -> tuple[ObjectName, ...]:
        subsets = self.routes.services[target.service.name].subsets
        subset = next((s for s in subsets if s.name == lane), None)
        if lane is not None and subset is None:  # a strict lane that lacks the service
            return ()
        return tuple(
            workload.name
            for workload in self.selection.workloads(target.service, subset)
            if workload.name in self.ready and workload.port(target.port.workload_port)
        )

    def _calls(self, hop: Hop, headers: Headers, callers: tuple[ObjectName, ...]) -> list[_Pending]:
        kept = {name.lower() for name in self.applications.passes_on.get(hop.service, ())}
        passed_on = {name: value for name, value in headers.items() if name in kept}
        calls = self.applications.calls.get(hop.service, ())
        made = (call for call in calls if call.caller is None or call.caller == hop.workloads[0])
        return [_Pending(hop, call, passed_on, callers) for call in made]

    def _impossible(self, calling: _Pending, hops: int) -> Failure | None:
        call, caller = calling.call, calling.caller.service
        service = self.routes.services.get(call.service)
        if service is None or call.port not in service.by_port:
            return Failure(f"{caller} calls {call.service}:{call.port}, which no service declares")
        if call.service in calling.callers:
            circle = " -> ".join(map(str, (*calling.callers, call.service)))
            return Failure(f"applications call in a circle without end: {circle}")
        if hops == _MAX_HOPS:
            return Failure(f"one request leads to more than {_MAX_HOPS:,} calls")
        return None


def _split(ingress: IngressRoute, request: Request) -> Split | None:
    """The route's weights, if they decide: for requests that name no lane in any route header."""
    split = ingress.split
    if split is not None and any(names(each, request.header_lines) for each in split.exempt):
        return None
    return split


def _with_lane(given: EnteredLane | Split | None, headers: Headers, choice: Choice) -> Headers:
    """The headers with the lane that the gateway gives a request which names none."""
    if given is None:
        return headers
    others = {name: value for name, value in headers.items() if name != given.header.lower()}
    return {**others, given.header.lower(): choice.intended} if choice.intended else others


def _rule(ingress: IngressRoute, choice: Choice) -> Reason:
    lane, rule = next(
        (pair for pair in ingress.rules if pair[0].name == choice.intended), ingress.rules[0]
    )
    conditions = describe(ingress)
    return reason(
        Why.RULE, Phrase.RULE_TAKES, rule=rule.name, lane=lane.name, conditions=conditions
    )


def _bad_path(request: Request) -> str:
    return (
        f"the gateway refuses the path {request.path!r}: a path begins with / and holds no "
        "fragment, no %00, and only printable ASCII without spaces"
    )


def _no_route(hosts: Iterable[VirtualHost], request: Request) -> str:
    rules = list(dict.fromkeys(describe(route) for host in hosts for route in host.routes))
    more = f"; and {len(rules) - 5} more" if len(rules) > 5 else ""
    return (
        f"no ingress rule takes {request.method} {request.path} of host {request.host}; "
        f"the rules are for: {'; '.join(rules[:5]) or 'none'}{more}"
    )


def _not_ready(target: Target, lane: str | None) -> Reason:
    service = target.service.name
    if lane is None:
        return reason(Why.NOT_READY, Phrase.MESH_NOT_READY, service=service)
    return reason(Why.NOT_READY, Phrase.LANE_NOT_READY, lane=lane, service=service)


def _no_instance(target: Target) -> str:
    lanes = " nor ".join(f"lane {lane}" for lane in target.chain)
    return f"no instance of {target.service.name} is ready" + (f" in {lanes}" if lanes else "")
