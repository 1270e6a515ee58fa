"""Lanes whose workloads of a service are all unready, and which lane answers instead, if any.

Only if the state of workloads is known. The checks report lanes that select no workload at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from laneway.compile.analyze.codes import Code
from laneway.compile.analyze.reachability import Survey
from laneway.compile.analyze.simulated_requests import anonymous_trials, trials
from laneway.compile.ir import ServiceRoutes
from laneway.model.examples import Example
from laneway.model.findings import Finding, Severity
from laneway.model.keys import key_of
from laneway.model.lanes import Lane
from laneway.model.names import ObjectName


def check(survey: Survey) -> Iterator[Finding]:
    if survey.ready is None:
        return
    ready = survey.ready
    down = tuple(w.name for w in survey.mesh.workloads if w.name not in ready)
    selection = survey.selection
    for routes in survey.routes.services.values():
        alive = {
            lane.name
            for lane in routes.subsets
            if any(w.name in ready for w in selection.workloads(routes.service, lane))
        }
        for lane in routes.subsets:
            if lane.name not in alive and selection.workloads(routes.service, lane):
                yield _finding(survey, routes, lane, alive, down)


def _finding(
    survey: Survey,
    routes: ServiceRoutes,
    lane: Lane,
    alive: set[str],
    down: tuple[ObjectName, ...],
) -> Finding:
    service = routes.service.name
    instead = next((name for name in _chain(routes, lane) if name in alive), None)
    what = f"no workload of {service} in lane {lane.name} is ready"
    index = lane.services.index(service)
    return Finding(
        Code.NO_READY_WORKLOAD,
        f"{what}: {f'lane {instead} answers' if instead else 'its requests are refused with 503'}",
        "start one, or find out why the running ones are not ready",
        key_of(lane),
        ("spec", "services", index, "name"),
        Severity.WARNING if instead else Severity.ERROR,
        example=_example(survey, lane, service, down),
    )


def _chain(routes: ServiceRoutes, lane: Lane) -> tuple[str, ...]:
    route = next(iter(routes.by_port.values()))
    targets = [choice.lanes[lane.name] for choice in route.choices if lane.name in choice.lanes]
    return targets[0].chain if targets else route.default.chain


def _example(
    survey: Survey, lane: Lane, service: ObjectName, down: tuple[ObjectName, ...]
) -> Example | None:
    """A request that reaches the service in that lane, if the calls of applications are known."""
    for several in (trials(survey, lane, down), anonymous_trials(survey, lane.group, down)):
        for trial in several:
            for hop in trial.outcome.hops:
                if hop.service == service and lane.name in hop.unready:
                    return trial.example()
    return None
