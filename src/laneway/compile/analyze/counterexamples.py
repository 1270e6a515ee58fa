"""Examples for findings of the checks between objects: a request that the mesh would mistreat.

A mesh with errors is never run, but it can often be simulated. If it cannot (a name refers to
nothing), or if no request shows the fault, the finding has no example.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from laneway.compile.analyze.reachability import Survey
from laneway.compile.analyze.simulated_requests import (
    Trial,
    anonymous_trials,
    naming,
    trials,
    tried,
)
from laneway.compile.simulate import Hop, Request, Why
from laneway.compile.simulate.gateways import takes
from laneway.compile.simulate.path_normalization import split_target
from laneway.model.codes import Code
from laneway.model.examples import Example
from laneway.model.findings import Finding, Severity
from laneway.model.lanes import Lane
from laneway.model.names import ObjectName

#: Errors with which a mesh can still be lowered, because every name in it refers to something.
_SIMULABLE = frozenset(
    [
        Code.BASELINE_LACKS_SERVICE,
        Code.CONFLICTING_INGRESS,
        Code.CONFLICTING_LISTEN_PORT,
        Code.FALLBACK_CYCLE,
        Code.GROUP_WITHOUT_LANES,
        Code.LANE_LACKS_SERVICE,
        Code.STRICT_FALLBACK,
        Code.UNKNOWN_BASELINE,
        Code.UNKNOWN_FALLBACK,
        Code.WEIGHTS_EXCEED_100,
    ]
)


def can_be_simulated(findings: Iterable[Finding]) -> bool:
    return all(f.severity is not Severity.ERROR or f.code in _SIMULABLE for f in findings)


def with_example(survey: Survey, finding: Finding) -> Finding:
    """The finding, with a request that shows it if one was found."""
    search = _SEARCHES.get(finding.code)
    if search is None or finding.example is not None:
        return finding
    return replace(finding, example=next(search(_Case(survey, finding)), None))


@dataclass(frozen=True, slots=True)
class _Case:
    survey: Survey
    finding: Finding

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lane that the finding is about, or all lanes of its group."""
        key = self.finding.subject
        assert key is not None, "checks name the object"
        mesh = self.survey.mesh
        if key.kind == "LaneGroup":
            return mesh.lanes_by_group[key.name]
        return tuple(lane for lane in mesh.lanes if f"{lane.group}/{lane.name}" == key.name)

    @property
    def group(self) -> str:
        key = self.finding.subject
        assert key is not None, "checks name the object"
        return key.name.partition("/")[0]

    def named(self, down: tuple[ObjectName, ...] = ()) -> Iterator[tuple[Lane, Trial]]:
        """Requests that name the lane."""
        for lane in self.lanes:
            yield from ((lane, trial) for trial in trials(self.survey, lane, down))


Search = Callable[[_Case], Iterator[Example]]


def _nobody_decides(case: _Case) -> Iterator[Example]:
    """There is no baseline to answer, so any instance of the service may."""
    several = [trial for _, trial in case.named()]
    for trial in [*anonymous_trials(case.survey, case.group), *several]:
        for hop in trial.outcome.hops:
            group = case.survey.mesh.groups_by_service.get(hop.service)
            if group is not None and group.name == case.group and hop.served is None:
                yield trial.example()


def _lane_lacks(case: _Case) -> Iterator[Example]:
    def shows(lane: Lane, hop: Hop) -> bool:
        return hop.intended == lane.name and hop.served != lane.name

    yield from _hops(case, shows)


def _selects_nothing(case: _Case) -> Iterator[Example]:
    def shows(lane: Lane, hop: Hop) -> bool:
        return lane.name in hop.unready

    yield from _hops(case, shows)


def _hops(case: _Case, shows: Callable[[Lane, Hop], bool]) -> Iterator[Example]:
    for lane, trial in case.named():
        if any(shows(lane, hop) for hop in trial.outcome.hops):
            yield trial.example()


def _service_down(case: _Case) -> Iterator[Example]:
    key = case.finding.subject
    assert key is not None, "checks name the object"
    for group in case.survey.mesh.groups:
        for trial in anonymous_trials(case.survey, group.name):
            if any(str(h.service) == key.name and not h.workloads for h in trial.outcome.hops):
                yield trial.example()


def _falls_back(case: _Case) -> Iterator[Example]:
    """A request while the lane's workloads are down: which lane is tried next, if any."""
    return (example for _, example in _down(case))


def _down(case: _Case) -> Iterator[tuple[Trial, Example]]:
    mesh = case.survey.mesh
    selection = case.survey.selection
    for lane in case.lanes:
        services = [mesh.services_by_name[name] for name in lane.services]
        down = {w.name: None for s in services for w in selection.workloads(s, lane)}
        for trial in trials(case.survey, lane, tuple(down)):
            if any(h.intended == lane.name and h.served != lane.name for h in trial.outcome.hops):
                yield trial, trial.example()


def _refused(case: _Case) -> Iterator[Example]:
    """The same for a strict lane: no other lane is tried."""
    return (example for trial, example in _down(case) if trial.outcome.failure is not None)


def _over_weight(case: _Case) -> Iterator[Example]:
    for trial in anonymous_trials(case.survey, case.group):
        hops = trial.outcome.hops
        if hops and any(reason.why is Why.WEIGHT for reason in hops[0].reasons):
            yield trial.example()


def _claimed_twice(case: _Case) -> Iterator[Example]:
    """The request that names the lane goes to the other group, or is taken by an earlier rule.

    Empty if the rule requires another value of the same header.
    """
    if len(case.finding.path) != 3:
        return  # the finding is about the names of rules
    index = case.finding.path[2]
    assert isinstance(index, int)
    for lane in case.lanes:
        for reached in case.survey.reached_of[lane.group]:
            if any(rule is lane.ingress[index] for _, rule in reached.route.rules):
                request = naming(case.survey, reached, lane)
                target = split_target(request.path)
                if target is not None and takes(reached.route, request, *target):
                    yield tried(case.survey, reached.entry.port, request).example()


def _unserved(case: _Case) -> Iterator[Example]:
    path = case.finding.path
    position, place = path[2], path[4]
    assert isinstance(position, int)
    assert isinstance(place, int)
    for lane in case.lanes:
        gateway = case.survey.group(lane.group).gateway
        host = lane.ingress[position].hosts[place].replace("*", "any")
        for port in case.survey.ports:
            if port.gateway == gateway:
                yield tried(case.survey, port, Request(host)).example()


def _nothing_there(case: _Case) -> Iterator[Example]:
    gateway = case.survey.group(case.group).gateway
    for port in case.survey.ports:
        if port.gateway == gateway:
            yield tried(case.survey, port, Request()).example()


_SEARCHES: dict[str, Search] = {
    Code.BASELINE_LACKS_SERVICE: _nobody_decides,
    Code.CODE_UNEFFECTED_SWIMLANE_LABEL: _selects_nothing,
    Code.CONFLICTING_INGRESS: _claimed_twice,
    Code.DUPLICATE_RULE: _claimed_twice,
    Code.FALLBACK_CYCLE: _falls_back,
    Code.GROUP_WITHOUT_LANES: _nothing_there,
    Code.LANE_LACKS_SERVICE: _lane_lacks,
    Code.SERVICE_WITHOUT_WORKLOADS: _service_down,
    Code.STRICT_FALLBACK: _refused,
    Code.UNKNOWN_BASELINE: _nobody_decides,
    Code.UNSERVED_HOST: _unserved,
    Code.WEIGHTS_EXCEED_100: _over_weight,
}
