"""A simulated request, and its outcome in words.

Every finding that a request can show has one as its example, so examples show what really happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from laneway.compile.analyze.reachability import Port, Reached, Survey
from laneway.compile.simulate import Hop, Outcome, Request, Why, simulate
from laneway.model.examples import Example
from laneway.model.lanes import Lane
from laneway.model.names import ObjectName


@dataclass(frozen=True, slots=True)
class Trial:
    port: Port
    request: Request
    outcome: Outcome
    down: tuple[ObjectName, ...] = ()

    @property
    def enters_by_rule(self) -> bool:
        """Whether an ``enter`` rule chose the lane of the request."""
        return any(r.why is Why.ENTERED for hop in self.outcome.hops for r in hop.reasons)

    def example(self, outcome: str = "") -> Example:
        """``outcome`` replaces the description of the path, if given."""
        request = self.request
        lines = tuple((n, v) for n, vs in request.header_lines.items() for v in vs)
        return Example(
            gateway=self.port.gateway,
            port=self.port.number,
            host=request.host,
            path=request.path,
            outcome=outcome or tell(self.outcome),
            method=request.method,
            headers=lines,
            down=self.down,
        )


def tried(
    survey: Survey, port: Port, request: Request, down: tuple[ObjectName, ...] = (), draw: int = 0
) -> Trial:
    """Simulates the request with all workloads ready except those that are ``down``."""
    outcome = simulate(
        survey.mesh,
        survey.routes,
        request,
        gateway=port.gateway,
        port=port.number,
        applications=survey.applications,
        ready=survey.workloads.difference(down),
        selection=survey.selection,
        draw=draw,
    )
    return Trial(port, request, outcome, down)


def naming(survey: Survey, reached: Reached, lane: Lane) -> Request:
    """The request that reached the route, changed so that it names the lane."""
    header = survey.group(lane.group).route_header.lower()
    return replace(reached.request, headers={**reached.request.headers, header: lane.name})


def trials(survey: Survey, lane: Lane, down: tuple[ObjectName, ...] = ()) -> Iterator[Trial]:
    """Requests that name the lane, one for each way into its group."""
    for reached in _ways(survey, lane):
        yield tried(survey, reached.entry.port, naming(survey, reached, lane), down)


def _ways(survey: Survey, lane: Lane) -> Iterable[Reached]:
    """The first of all routes that lead the lane's requests the same way."""
    known: dict[tuple[object, ...], Reached] = {}
    taking: dict[tuple[object, ...], Reached] = {}
    for reached in survey.reached_by(lane):
        way = _way(reached, lane)
        if way not in taking:
            known.setdefault(way, reached)
            if reached.entry.port.taker(naming(survey, reached, lane)) is reached.route:
                taking[way] = reached
    return {**known, **taking}.values()


def _way(reached: Reached, lane: Lane) -> tuple[object, ...]:
    route = reached.route
    choices = (choice for choice in route.route.choices if choice.group == lane.group)
    own = next((choice.lanes.get(lane.name) for choice in choices), None)
    target = own or route.route.default
    ends = (target.service.name, target.port.port, target.chain, own is None, route.not_found)
    return (*ends, *sorted(reached.request.headers))


def anonymous_trials(
    survey: Survey, group: str, down: tuple[ObjectName, ...] = ()
) -> Iterator[Trial]:
    """Requests that name no lane, one for each route of the group that takes such requests."""
    for reached in survey.reached_of.get(group, ()):
        if reached.route.named is not None:
            return
        yield tried(survey, reached.entry.port, reached.request, down)


def tell(outcome: Outcome) -> str:
    """Text such as ``mocka in lane s1, mockb in lane s3``, or why the request was refused."""
    weighted = any(r.why is Why.WEIGHT for hop in outcome.hops for r in hop.reasons)
    parts = [_described(hop) for hop in outcome.hops if hop.workloads]
    if outcome.failure is not None:
        status = f"{outcome.failure.status}: " if outcome.failure.status else ""
        parts.append(f"{status}{outcome.failure.message}")
    return ", then ".join(parts) + (" (one path of several, by weight)" if weighted else "")


def _described(hop: Hop) -> str:
    service = hop.service.short
    if hop.served is None:
        return f"{service} in no lane"
    instead = hop.intended is not None and hop.intended != hop.served
    return f"{service} in lane {hop.served}" + (f" instead of {hop.intended}" if instead else "")
