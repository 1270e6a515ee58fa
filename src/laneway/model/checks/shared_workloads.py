"""Workloads that several lanes of a group have: requests meet versions that they did not ask for.

Where one of the lanes is a baseline, requests without a lane are answered by the other lane's
version, which is an error; otherwise it is a warning; and nothing where ``sharesWorkloadsWith``
says that it is wanted. Only what is certain is reported: a declared Workload that both lanes
select, or selectors of which one selects all that the other does. Of other selectors only the pods
can tell whether they meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding, Severity
from laneway.model.keys import key_of
from laneway.model.label_selectors import admitted, implies, is_possible, written
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.lanes_by_labels import LanesByLabels
from laneway.model.meshes import Mesh
from laneway.model.selection import Selection
from laneway.model.services import Service
from laneway.model.suggestions import listing
from laneway.model.workloads import Workload

#: Of a thousand lanes with the same labels, each need not be told of all the others.
_COMPARED = 20

#: (lane, lane) -> what shows that they share workloads. The first one is the baseline, or earlier.
_Shared = dict[tuple[str, str], str]


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    if gaps.may_hold("Lane"):
        return  # the baseline may be among the unread
    selection = Selection(mesh)
    for group in mesh.groups:
        lanes = {lane.name: lane for lane in mesh.lanes_by_group[group.name]}
        with_baseline: _Shared = {}
        without: _Shared = {}
        for service in filter(None, map(mesh.services_by_name.get, group.services)):
            baseline = mesh.service_baseline(group, service.name)
            subsets = mesh.subsets.get((group.name, service.name), ())
            saying = [lane for lane in subsets if lane.selector or lane.match_expressions]
            ordered = sorted(saying, key=lambda lane: lane.name != baseline)
            for pair, what in _shared(selection, service, ordered).items():
                (with_baseline if baseline in pair else without).setdefault(pair, what)
        for pair in with_baseline:
            without.pop(pair, None)
        yield from _findings(lanes, with_baseline, Severity.ERROR)
        yield from _findings(lanes, without, Severity.WARNING)
        yield from _unknown(group, lanes)


def are_meant_to_share(one: Lane, other: Lane) -> bool:
    """Whether one of the two lanes says so."""
    return other.name in one.shares_workloads_with or one.name in other.shares_workloads_with


def _shared(selection: Selection, service: Service, lanes: Sequence[Lane]) -> _Shared:
    shared: _Shared = {}
    if len(lanes) < 2 or not service.selector:
        return shared
    index = LanesByLabels(lanes)

    def note(one: Lane, other: Lane, what: str) -> None:
        first, second = sorted([one, other], key=index.place)
        if first is not second and not are_meant_to_share(first, second):
            shared.setdefault((first.name, second.name), what)

    labelled: dict[tuple[tuple[str, str], ...], Workload] = {}
    for workload in selection.workloads(service):
        asked_of = index.asked_of(workload.labels)
        labelled.setdefault(tuple(sorted(asked_of.items())), workload)
    for workload in labelled.values():
        selecting = index.selecting(workload.labels)
        for place, one in enumerate(selecting[:_COMPARED]):
            for other in selecting[place + 1 :]:
                note(one, other, f"such as Workload {workload.name}")
    for lane in lanes:
        asked = admitted(service.selector, lane.selector, lane.match_expressions)
        if is_possible(asked):
            for other in islice(index.candidates(asked), _COMPARED):
                if implies(asked, admitted(other.selector, other.match_expressions)):
                    labels = written(lane.selector, lane.match_expressions)
                    note(lane, other, f"namely all with {labels}")
    return shared


def _findings(
    lanes: Mapping[str, Lane], shared: Mapping[tuple[str, str], str], severity: Severity
) -> Iterator[Finding]:
    """One for each lane, about those before it."""
    others: dict[str, list[str]] = {}
    for first, second in shared:
        others.setdefault(second, []).append(first)
    for name, firsts in others.items():
        what = shared[firsts[0], name]
        code = Code.SHARED_WORKLOADS
        if severity is Severity.ERROR:
            code = Code.BASELINE_SHARES_WORKLOADS
            message = (
                f"lane {name} has workloads in common with the baseline {listing(firsts)}, {what}:"
                " they also answer requests without a lane"
            )
        else:
            message = f"lane {name} has workloads in common with {listing(firsts, 4)}, {what}"
        wanted = ", ".join(firsts[:4])
        yield Finding(
            code,
            message,
            "tell them apart by labels, or by matchExpressions such as {key: lane, operator: "
            f"DoesNotExist}}; or declare that it is intended: sharesWorkloadsWith: [{wanted}]",
            key_of(lanes[name]),
            ("spec", "selector"),
            severity,
        )


def _unknown(group: LaneGroup, lanes: Mapping[str, Lane]) -> Iterator[Finding]:
    for lane in lanes.values():
        for index, name in enumerate(lane.shares_workloads_with):
            if name in lanes and name != lane.name:
                continue
            itself = f"lane {name} is this lane itself"
            unknown = f"lane group {group.name} has no lane {name}"
            yield Finding(
                Code.NO_EFFECT,
                itself if name == lane.name else unknown,
                f"its other lanes: {listing([one for one in lanes if one != lane.name])}",
                key_of(lane),
                ("spec", "sharesWorkloadsWith", index),
                Severity.WARNING,
            )
