"""Hypothesis strategies: meshes with lanes that select by expressions, or end, or are disabled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from tests.compile.mesh_strategies import VERSIONS, meshes

from laneway.model.checks import check
from laneway.model.findings import Severity
from laneway.model.label_selectors import LabelRequirement, Operator
from laneway.model.lane_lives import is_baseline
from laneway.model.lanes import Lane, Mode
from laneway.model.meshes import Mesh

#: A label that not all workloads have, and its values.
TIER, TIERS = "tier", ("x", "y")
#: A moment long ago, at which some lanes of ``declared`` have expired.
NOW = datetime(2001, 1, 1, tzinfo=UTC)
_FUTURE = datetime(2999, 1, 1, tzinfo=UTC)

tier_requirements = st.sampled_from(
    [
        LabelRequirement(TIER, Operator.EXISTS),
        LabelRequirement(TIER, Operator.DOES_NOT_EXIST),
        LabelRequirement(TIER, Operator.IN, TIERS[:1]),
        LabelRequirement(TIER, Operator.NOT_IN, TIERS[:1]),
    ]
)


@st.composite
def _selecting(draw: st.DrawFn, lane: Lane, strict: bool) -> Lane:
    """The same workloads, said by expressions, or some of them; or all but those of a version."""
    version = lane.selector["version"]
    others = tuple(one for one in VERSIONS if one != version)
    ways: list[tuple[dict[str, str], tuple[LabelRequirement, ...]]] = [
        (dict(lane.selector), ()),
        ({}, (LabelRequirement("version", Operator.IN, (version,)),)),
        (dict(lane.selector), (LabelRequirement("version", Operator.NOT_IN, others),)),
        (dict(lane.selector), (draw(tier_requirements),)),
    ]
    if not strict:  # what a strict lane selects is no other lane's
        all_but = LabelRequirement("version", Operator.NOT_IN, others[: draw(st.integers(1, 2))])
        ways.append(({}, (all_but,)))
    selector, expressions = draw(st.sampled_from(ways))
    return replace(lane, selector=selector, match_expressions=expressions)


@st.composite
def expressive(draw: st.DrawFn) -> Mesh:
    """Any mesh, in which some lanes select by ``matchExpressions``."""
    mesh = draw(meshes())
    lanes = []
    for lane in mesh.lanes:
        modes = {lane.mode, mesh.groups_by_name[lane.group].mode}
        chosen = draw(st.integers(0, 2)) == 0
        lanes.append(draw(_selecting(lane, Mode.STRICT in modes)) if chosen else lane)
    workloads = tuple(
        replace(one, labels={**one.labels, TIER: tier})
        if (tier := draw(st.sampled_from([None, *TIERS])))
        else one
        for one in mesh.workloads
    )
    return _valid(replace(mesh, lanes=tuple(lanes), workloads=workloads))


@st.composite
def declared(draw: st.DrawFn) -> Mesh:
    """As a user declares it: of ``expressive`` lanes, some are disabled or have expired by now, and
    some are said to expire and are baselines, or have time."""
    mesh = draw(expressive())
    lives: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
        [
            *[{}] * 4,
            {"enabled": False},
            {"expires_at": NOW},
            {"expires_at": NOW - timedelta(days=1), "enabled": False},
            {"expires_at": _FUTURE},
        ]
    )
    lanes = []
    for lane in mesh.lanes:
        fields = dict(draw(lives))
        if is_baseline(mesh, lane):
            fields.pop("enabled", None)
        lanes.append(replace(lane, **fields))
    return _valid(replace(mesh, lanes=tuple(lanes)))


def _valid(mesh: Mesh) -> Mesh:
    assume(all(finding.severity is not Severity.ERROR for finding in check(mesh)))
    return mesh
