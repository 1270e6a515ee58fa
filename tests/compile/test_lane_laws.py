"""Laws of lanes that end or are disabled, and of those that select by expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from tests.compile.lane_strategies import NOW, declared, expressive
from tests.compile.mesh_strategies import Situation, applications, situations, traced

from laneway.compile.lower import lower
from laneway.compile.simulate import Applications, InactiveLanes, Outcome, inactive_lanes, simulate
from laneway.model.checks import check
from laneway.model.findings import Finding, Severity
from laneway.model.lane_lives import active, counts
from laneway.model.meshes import Mesh
from laneway.model.selection import Selection

_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
#: Most of the time goes into making meshes.
_EXAMPLES = settings().max_examples // 4


def errors(mesh: Mesh) -> list[Finding]:
    return [finding for finding in check(mesh) if finding.severity is Severity.ERROR]


@settings(max_examples=_EXAMPLES, suppress_health_check=_SLOW)
@given(declared())
def test_the_end_of_lanes_makes_nothing_invalid(whole: Mesh) -> None:
    counting = active(whole, NOW)
    assert errors(counting) == []
    assert {lane.name for lane in counting.lanes} <= {lane.name for lane in whole.lanes}
    assert active(counting, NOW) is counting


@settings(max_examples=_EXAMPLES, suppress_health_check=_SLOW)
@given(declared())
def test_baselines_stay_whatever_ends(whole: Mesh) -> None:
    counting = active(whole, NOW)
    for group in whole.groups:
        (before, after) = (mesh.baseline(mesh.groups_by_name[group.name])
                           for mesh in (whole, counting))  # fmt: skip
        assert before is not None
        assert after is not None
        assert before.name == after.name
        for service in group.services:
            assert whole.service_baseline(group, service) == counting.service_baseline(
                group, service
            )


@settings(max_examples=_EXAMPLES, suppress_health_check=_SLOW)
@given(declared(), applications(), situations())
def test_what_is_said_of_lanes_that_do_not_count_changes_no_path(
    whole: Mesh, calls: Applications, cases: list[Situation]
) -> None:
    counting = active(whole, NOW)
    inactive = inactive_lanes(whole, NOW)
    gone = {(lane.group, lane.name) for lane in whole.lanes if not counts(whole, lane, NOW)}
    assert inactive.by_name.keys() == gone
    routes = lower(counting)
    for number, case in enumerate(cases):
        request = traced(case.request, number)
        told, silent = (
            simulate(
                counting,
                routes,
                request,
                port=case.port,
                applications=calls,
                ready=case.alive,
                inactive=lanes,
            )
            for lanes in (inactive, InactiveLanes())
        )
        assert list(_paths(told)) == list(_paths(silent))
        assert not {hop.served for hop in told.hops} & {name for _, name in gone} - {
            lane.name for lane in counting.lanes
        }


def _paths(outcome: Outcome) -> Iterator[object]:
    for hop in outcome.hops:
        yield replace(hop, reasons=())
    yield outcome.failure and outcome.failure.status


@settings(max_examples=_EXAMPLES, suppress_health_check=_SLOW)
@given(expressive())
def test_a_lane_answers_by_the_workloads_that_its_selector_selects(mesh: Mesh) -> None:
    selection, routes = Selection(mesh), lower(mesh)
    lanes = {(lane.group, lane.name): lane for lane in mesh.lanes}
    for service, lowered in routes.services.items():
        of_service = {w.name: w for w in selection.workloads(mesh.services_by_name[service])}
        for subset in lowered.subsets:
            found = {w.name for w in selection.workloads(lowered.service, subset)}
            selects = lanes[mesh.groups_by_service[service].name, subset.name].selects
            assert found == {name for name, w in of_service.items() if selects(w.labels)}
