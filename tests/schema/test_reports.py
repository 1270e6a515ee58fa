"""The JSON of findings, explanations and changes."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from hypothesis import given, settings
from tests.schema.object_strategies import meshes

from laneway.compile.simulate import Failure, Outcome, Request, Why
from laneway.model.findings import Finding
from laneway.model.lanes import Lane, LaneGroup, Mode
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.workloads import Workload, WorkloadPort
from laneway.schema.reports import ExplanationReport, FindingReport, change_reports
from laneway.schema.reports.outcomes import Reasons

A, B = ObjectName("default", "a"), ObjectName("default", "b")
GROUP = LaneGroup("g", (A, B), "x-lane", "x-lane")
LANE = Lane("s1", "g", {"version": "v1"}, (A,))
WORKLOAD = Workload(A, {"version": "v1"}, (WorkloadPort(8000),), command=("a",))
MESH = Mesh(groups=(GROUP,), lanes=(LANE,), workloads=(WORKLOAD,))


def changes(before: Mesh, after: Mesh) -> list[object]:
    return [report.as_json() for report in change_reports(before, after)]


def test_what_a_finding_does_not_know_is_null() -> None:
    assert FindingReport.made_of(Finding("X", "wrong", path=("spec", "a", 1))).as_json() == {
        "severity": "error",
        "code": "X",
        "kind": None,
        "name": None,
        "field": "spec.a[1]",
        "message": "wrong",
        "fix": None,
        "file": None,
        "document": None,
        "line": None,
        "example": None,
        "patch": None,
    }


def test_repeated_headers_are_lists() -> None:
    request = Request(headers={"x-lane": ("s1", "s2"), "x-user": "jack"})
    report = ExplanationReport.made_of(request, Outcome(failure=Failure("none takes it", None)))
    assert report.as_json()["request"]["headers"] == {"x-lane": ["s1", "s2"], "x-user": "jack"}
    assert report.as_json()["failure"] == {"message": "none takes it", "status": None}


def test_every_kind_of_reason_has_its_word() -> None:
    assert {why.value for why in Why} == set(get_args(Reasons))


def test_a_change_names_the_fields_that_differ() -> None:
    group = replace(GROUP, mode=Mode.STRICT, services=(A, replace(B, namespace="shop")))
    assert changes(MESH, replace(MESH, groups=(group,))) == [
        {
            "change": "changed",
            "kind": "LaneGroup",
            "name": "g",
            "fields": ["spec.mode", "spec.services[1].namespace"],
        }
    ]


def test_lists_of_other_lengths_differ_as_a_whole() -> None:
    lane = replace(LANE, services=(A, B), fallback=("s2",), selector={"a.b/c": "v"})
    (change,) = change_reports(MESH, replace(MESH, lanes=(lane,)))
    assert change.fields == [
        "spec.selector.version",
        'spec.selector["a.b/c"]',
        "spec.services",
        "spec.fallback",
    ]


def test_objects_come_and_go() -> None:
    new = replace(LANE, name="s2")
    assert changes(MESH, replace(MESH, lanes=(new,), workloads=())) == [
        {"change": "added", "kind": "Lane", "name": "g/s2", "fields": []},
        {"change": "removed", "kind": "Lane", "name": "g/s1", "fields": []},
        {"change": "removed", "kind": "Workload", "name": "default/a", "fields": []},
    ]


@given(meshes(), meshes())
@settings(max_examples=settings().max_examples // 4)
def test_no_difference_is_missed(before: Mesh, after: Mesh) -> None:
    """Objects that are not reported are equal, and one that changed has fields that did."""
    assert changes(before, before) == []
    reports = list(change_reports(before, after))
    assert all(bool(each.fields) == (each.change == "changed") for each in reports)
    counts = {word: sum(r.change == word for r in reports) for word in ("added", "removed")}
    sizes = [
        len(m.groups + m.lanes + m.services + m.workloads + m.gateways) for m in (before, after)
    ]
    assert sizes[0] + counts["added"] - counts["removed"] == sizes[1]
