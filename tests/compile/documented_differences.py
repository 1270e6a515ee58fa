"""The requests that another data plane answers differently, according to the compile reports.

Each finding speaks of requests of a certain kind. Where readers disagree on a request, one of the
findings must be of its kind and name an object that the request has to do with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.compile.request_paths import Path, simulated

from laneway.compile.simulate import Outcome, Request, Why
from laneway.model.findings import Finding
from laneway.model.keys import key_of
from laneway.model.lanes import Lane, LaneGroup, Mode, Propagation
from laneway.model.meshes import Mesh
from laneway.model.trace_contexts import trace_id


@dataclass(frozen=True)
class Disagreement:
    """``outcome`` is the simulator's; ``found`` is what the other reader says."""

    mesh: Mesh
    request: Request
    outcome: Outcome
    found: Path

    def is_told(self, report: Iterable[Finding]) -> bool:
        return any(self._is_of(finding) for finding in report if finding.code in KINDS)

    def _is_of(self, finding: Finding) -> bool:
        groups, lanes = self.mesh.groups, self.mesh.lanes
        whose = [group for group in groups if key_of(group) == finding.subject]
        whose += [
            self.mesh.groups_by_name[lane.group]
            for lane in lanes
            if key_of(lane) == finding.subject
        ]
        lane = next((lane for lane in lanes if key_of(lane) == finding.subject), None)
        kind = KINDS[finding.code]
        return any(kind(self, group, lane) for group in whose or groups)

    def lines(self, header: str) -> tuple[str, ...]:
        return self.request.header_lines.get(header.lower(), ())

    def names(self, group: LaneGroup) -> set[str]:
        """The group's lanes that the request names."""
        lanes = {lane.name for lane in self.mesh.lanes_by_group[group.name]}
        return lanes & {*self.lines(group.route_header)}

    def is_refused_in(self, group: LaneGroup) -> bool:
        """Where the path found ends early, the simulator's goes on (by a rule of the group)."""
        if self.found[-1] not in (404, 503):
            return False
        reached = len(self.found) - 1
        hops = self.outcome.hops
        if reached == 0 and hops:
            rules = [rule for lane in self.mesh.lanes_by_group[group.name] for rule in lane.ingress]
            return any(rule.destination == hops[0].service for rule in rules)
        return any(hop.service in group.services for hop in hops[max(reached - 1, 0) :])


Kind = Callable[[Disagreement, LaneGroup, Lane | None], bool]


def _of_lane(it: Disagreement, group: LaneGroup, lane: Lane | None) -> bool:
    assert lane is not None
    return any(
        hop.intended == lane.name and hop.service in group.services for hop in it.outcome.hops
    )


def _own_rules(it: Disagreement, group: LaneGroup, lane: Lane | None) -> bool:
    assert lane is not None
    return lane.name in it.names(group)


def _called_from_outside(it: Disagreement, group: LaneGroup, lane: Lane | None) -> bool:
    del lane
    return any(
        hop.service in group.services and hop.caller not in (None, *group.services)
        for hop in it.outcome.hops
    )


def _in_baggage(it: Disagreement, group: LaneGroup, lane: Lane | None) -> bool:
    del lane
    known = any(hop.service in group.services for hop in it.outcome.hops)
    return group.propagation is Propagation.BAGGAGE and (known or bool(it.lines("baggage")))


def _because(why: Why) -> Kind:
    def is_reason(it: Disagreement, group: LaneGroup, lane: Lane | None) -> bool:
        del group, lane
        return any(reason.why is why for hop in it.outcome.hops for reason in hop.reasons)

    return is_reason


def _named_twice(it: Disagreement, group: LaneGroup, lane: Lane | None) -> bool:
    del lane
    return len(it.lines(group.route_header)) > 1


def _several_groups(it: Disagreement, group: LaneGroup, lane: Lane | None) -> bool:
    del group, lane
    if len(it.mesh.groups) > 1 and any(one.mode is Mode.STRICT for one in it.mesh.groups):
        return True
    return sum(bool(it.names(one)) for one in it.mesh.groups) > 1


def _without_trace_id(it: Disagreement, group: LaneGroup, lane: Lane | None) -> bool:
    """The lane is known to a hop in spite of it: by the route header itself, or a made-up id."""
    del lane
    return trace_id(group.trace_header, ",".join(it.lines(group.trace_header))) is None or any(
        hop.service in group.services and hop.intended is not None
        and all(reason.why is not Why.MEMORY for reason in hop.reasons)
        for hop in it.outcome.hops[1:]
    )  # fmt: skip


def _strict_callers(it: Disagreement, group: LaneGroup, lane: Lane | None) -> bool:
    """A caller that is in no lane of the group, or in none by what ASM looks at."""
    del lane
    return any(
        hop.service in group.services
        and hop.caller is not None
        and all(reason.why is not Why.CALLER for reason in hop.reasons)
        for hop in it.outcome.hops
    )


def _strict_rules(it: Disagreement, group: LaneGroup, lane: Lane | None) -> bool:
    """The first hop is of the lane in laneway, by a rule of its own, and of another in ASM."""
    assert lane is not None
    return any(hop.caller is None and hop.intended == lane.name for hop in it.outcome.hops)


def _own_calls(it: Disagreement, group: LaneGroup, lane: Lane | None) -> bool:
    assert lane is not None
    return any(
        hop.intended == lane.name and any(reason.why is Why.CALLER for reason in hop.reasons)
        for hop in it.outcome.hops
    )


def _selected(it: Disagreement, group: LaneGroup, lane: Lane | None) -> bool:
    """A service of the lane has a part in it: more or other pods may answer, or be the caller's."""
    del group
    assert lane is not None
    return any(hop.service in lane.services for hop in it.outcome.hops)


KINDS: dict[str, Kind] = {
    "ISTIO_SELECTOR_APPROXIMATED": _selected,
    "ASM_SELECTOR_APPROXIMATED": _selected,
    "ISTIO_CALLERS_SHARED": _own_calls,
    "ISTIO_LANE_NAMED_TWICE": _named_twice,
    "ASM_BAGGAGE": _in_baggage,
    "ASM_CALLS_WITHOUT_LANE": _own_calls,
    "ASM_GROUPS_SHARE_GATEWAY": _several_groups,
    "ASM_LABEL_OF_CALLER": _called_from_outside,
    "ASM_LANE_NAMED_TWICE": _named_twice,
    "ASM_NO_ENTER": _because(Why.ENTERED),
    "ASM_NO_NAMES": _because(Why.NAME_READ),
    "ASM_NO_ROUTE_BY": _because(Why.NAME_READ),
    "ASM_NO_ROUTE_WITHOUT_LANE": lambda it, group, lane: it.is_refused_in(group),
    "ASM_NO_WEIGHT": _because(Why.WEIGHT),
    "ASM_ONE_FALLBACK": _of_lane,
    "ASM_ONE_MODE": _of_lane,
    "ASM_OWN_RULES_ALONE": _own_rules,
    "ASM_STRICT_CALLERS": _strict_callers,
    "ASM_STRICT_RULES_IN_ORDER": _strict_rules,
    "ASM_TRACE_ID_NEEDED": _without_trace_id,
}


def agrees(
    mesh: Mesh, request: Request, outcome: Outcome, found: Path, report: Iterable[Finding]
) -> bool:
    """Whether ``found`` is the simulator's path. Raises if it is not, and no report says so."""
    if found == simulated(outcome):
        return True
    disagreement = Disagreement(mesh, request, outcome, found)
    assert disagreement.is_told(report), f"expected {simulated(outcome)}, found {found}"
    return False
