"""Hypothesis strategies: a mesh, and what people make of it, edit by edit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from tests.compile.lane_strategies import TIER, TIERS, expressive, tier_requirements
from tests.compile.mesh_strategies import VERSIONS, subsets
from tests.compile.meshes import service

from laneway.model.checks import check
from laneway.model.findings import Severity
from laneway.model.lanes import Mode
from laneway.model.meshes import Mesh

Edit = Callable[[st.DrawFn, Mesh], Mesh]


def _lane(draw: st.DrawFn, mesh: Mesh) -> Mesh:
    """One field of one lane."""
    lane = draw(st.sampled_from(mesh.lanes))
    others = [other.name for other in mesh.lanes_by_group[lane.group] if other is not lane]
    fields: Mapping[str, st.SearchStrategy[Any]] = {
        "services": subsets(mesh.groups_by_name[lane.group].services),
        "selector": st.sampled_from([{"version": version} for version in VERSIONS]),
        "match_expressions": st.just(()) | tier_requirements.map(lambda one: (one,)),
        "mode": st.sampled_from([None, Mode.STRICT, Mode.PERMISSIVE]),
        "fallback": st.lists(st.sampled_from(others), unique=True).map(tuple)
        if others
        else st.just(()),
        "weight": st.sampled_from([0, 10]),
    }
    name = draw(st.sampled_from(sorted(fields)))
    value: Any = draw(fields[name])
    edited = replace(lane, **{name: value})
    return replace(mesh, lanes=tuple(edited if each is lane else each for each in mesh.lanes))


def _without_lane(draw: st.DrawFn, mesh: Mesh) -> Mesh:
    lane = draw(st.sampled_from(mesh.lanes))
    return replace(mesh, lanes=tuple(each for each in mesh.lanes if each is not lane))


def _with_lane(draw: st.DrawFn, mesh: Mesh) -> Mesh:
    lane = draw(st.sampled_from(mesh.lanes))
    group = mesh.groups_by_name[lane.group]
    new = replace(lane, name="new", services=draw(subsets(group.services)), weight=0)
    place = draw(st.integers(0, len(mesh.lanes)))
    return replace(mesh, lanes=(*mesh.lanes[:place], new, *mesh.lanes[place:]))


def _order(draw: st.DrawFn, mesh: Mesh) -> Mesh:
    return replace(mesh, lanes=tuple(draw(st.permutations(mesh.lanes))))


def _group(draw: st.DrawFn, mesh: Mesh) -> Mesh:
    group = draw(st.sampled_from(mesh.groups))
    lanes = [lane.name for lane in mesh.lanes_by_group[group.name]]
    fields: Mapping[str, st.SearchStrategy[Any]] = {
        "baseline": st.sampled_from([None, *lanes]),
        "mode": st.sampled_from(Mode),
        "route_header": st.sampled_from(["x-lane", "X-Other"]),
        "service_baselines": st.sampled_from(
            [{}, *({name: lane} for name in group.services for lane in lanes)]
        ),
    }
    name = draw(st.sampled_from(sorted(fields)))
    value: Any = draw(fields[name])
    edited = replace(group, **{name: value})
    return replace(mesh, groups=tuple(edited if each is group else each for each in mesh.groups))


def _service(draw: st.DrawFn, mesh: Mesh) -> Mesh:
    """One more that is in no group, or it goes, or has another port."""
    d = draw(st.sampled_from([(), (service("d"),), (service("d", 9000),)]))
    return replace(mesh, services=(*(each for each in mesh.services if each.name.name != "d"), *d))


def _workload(draw: st.DrawFn, mesh: Mesh) -> Mesh:
    """One less, or with other labels."""
    workload = draw(st.sampled_from(mesh.workloads))
    labels = {**workload.labels, "version": draw(st.sampled_from(VERSIONS))}
    if tier := draw(st.sampled_from([None, *TIERS])):
        labels[TIER] = tier
    new = draw(st.sampled_from([(), (replace(workload, labels=labels),)]))
    return replace(
        mesh,
        workloads=tuple(
            part for each in mesh.workloads for part in (new if each is workload else (each,))
        ),
    )


def _read_anew(draw: st.DrawFn, mesh: Mesh) -> Mesh:
    return deepcopy(mesh)


EDITS: tuple[Edit, ...] = (
    *(_lane, _lane, _lane, _without_lane, _with_lane, _order),
    *(_group, _service, _workload, _read_anew),
)


@st.composite
def successions(draw: st.DrawFn) -> list[Mesh]:
    """Valid ones, each after the one before it: what is not touched are the same objects."""
    found = [draw(expressive())]
    for edit in draw(st.lists(st.sampled_from(EDITS), min_size=1, max_size=8)):
        mesh = edit(draw, found[-1])
        if all(finding.severity is not Severity.ERROR for finding in check(mesh)):
            found.append(mesh)
    return found
