"""Workloads whose calls belong to their lane, which VirtualServices match by ``sourceLabels``.

istiod omits such a route from the configuration of a proxy whose pod has other labels, so these
routes cost other callers nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from laneway.compile.equality_subsets import subset_labels
from laneway.compile.ir import MeshRoutes
from laneway.compile.istio.resources import Document
from laneway.model.caller_rules import CallerRule
from laneway.model.callers import Callers
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.meshes import Mesh


@dataclass(frozen=True, slots=True)
class Caller:
    """A lane to which the calls of its workloads belong. ``sources`` are the matches for them."""

    lane: str
    rule: CallerRule
    sources: tuple[Document, ...]
    trace_header: str | None


def callers(mesh: Mesh, group: LaneGroup, routes: MeshRoutes) -> Iterator[Caller]:
    """In the order of the lanes."""
    trace_headers = {
        each.rule: each.trace_header
        for name in group.services
        for route in routes.services[name].by_port.values()
        for each in route.by_caller
    }
    rules = routes.caller_rules.get(group.name, {})
    lanes, known = mesh.lanes_by_group[group.name], Callers(mesh)
    for lane in lanes:
        rule = rules.get(lane.name)
        if rule is not None and (sources := tuple(_sources(mesh, known, group, lane, rule))):
            yield Caller(lane.name, rule, sources, trace_headers.get(rule))


def _sources(
    mesh: Mesh, known: Callers, group: LaneGroup, lane: Lane, rule: CallerRule
) -> Iterator[Document]:
    """The workloads behind each of the lane's services: by the service's labels and the lane's.

    None if another lane also selects some of them. Those belong to neither lane, which no match can
    express, because it has no negative labels.
    """
    for name in lane.services:
        service = mesh.services_by_name.get(name)
        if service is None or not service.selector or known.overlapping(lane, name):
            continue
        shared = mesh.service_baseline(group, name) == lane.name
        if rule is CallerRule.WITHOUT_LANE and shared:
            continue
        labels = {**service.selector, **subset_labels(lane)}
        if service.selector.items() <= labels.items():
            yield {"sourceLabels": labels, "sourceNamespace": name.namespace}
