"""What a safe fix removes leads no request elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import jsonpatch
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.compile.mesh_strategies import meshes
from tests.compile.meshes import exact, prefix, regex

from laneway.compile.analyze import Code, analyze
from laneway.compile.analyze.changed_paths import changed_paths
from laneway.compile.analyze.safe_fixes import safe_fix
from laneway.model import codes
from laneway.model.findings import Finding, ObjectKey, Path, Severity, Source
from laneway.model.keys import key_of
from laneway.model.lanes import IngressRule, Lane
from laneway.model.meshes import Mesh
from laneway.schema import Document, encode, read_alone

R1 = {"name": "r1", "hosts": ["a.test"], "destination": {"service": "a"}}
R2 = {"name": "r2", "hosts": ["a.test", "b.test"], "destination": {"service": "a"}}
R3 = {"name": "r3", "destination": {"service": "a"}}
SHADOWED, DUPLICATE, UNUSED = Code.SHADOWED_RULE, codes.Code.DUPLICATE_RULE, codes.Code.NO_EFFECT


def manifest(**spec: Any) -> dict[str, Any]:
    return {"kind": "Lane", "metadata": {"name": "s2"}, "spec": {"group": "test", **spec}}


def finding(code: str, *path: str | int, kind: str = "Lane") -> Finding:
    subject = ObjectKey(kind, "test/s2")
    return Finding(code, "", subject=subject, path=("spec", *path), severity=Severity.WARNING)


@pytest.mark.parametrize(
    ("code", "path", "spec", "pointer"),
    [
        (SHADOWED, ("ingress", 1), {"ingress": [R1, R2]}, "/spec/ingress/1"),
        (SHADOWED, ("ingress", 1), {"ingress": [R1, R3]}, "/spec/ingress/1"),
        (SHADOWED, ("ingress", 0, "hosts", 1), {"ingress": [R2]}, "/spec/ingress/0/hosts/1"),
        (UNUSED, ("fallback", 1), {"fallback": ["s3", "s3"]}, "/spec/fallback/1"),
        (UNUSED, ("sharesWorkloadsWith", 0), {"sharesWorkloadsWith": ["x"]},
         "/spec/sharesWorkloadsWith/0"),
    ],
)  # fmt: skip
def test_what_is_of_no_effect_is_removed(
    code: str, path: Path, spec: Mapping[str, Any], pointer: str
) -> None:
    fix = safe_fix(finding(code, *path), manifest(**spec))
    assert fix is not None
    assert [(each["op"], each["path"]) for each in fix] == [("test", pointer), ("remove", pointer)]
    jsonpatch.apply_patch(manifest(**spec), fix)


@pytest.mark.parametrize(
    ("code", "path", "spec"),
    [
        (SHADOWED, ("ingress", 0), {"ingress": [R1]}),  # then the group's rules would count
        (SHADOWED, ("ingress", 0), {}),  # the rule is the group's
        (SHADOWED, ("ingress", 2), {"ingress": [R1, R2]}),
        (SHADOWED, ("ingress", 1), {"ingress": [R1, {**R2, "hosts": []}]}),
        (SHADOWED, ("ingress", 1), {"ingress": [R1, {**R2, "enter": True}]}),
        (SHADOWED, ("ingress", 0, "hosts", 1), {"ingress": [{**R2, "enter": True}]}),
        (DUPLICATE, ("ingress", 1), {"ingress": [R1, {**R1, "enter": True}]}),
        (UNUSED, ("expiresAt",), {"expiresAt": "2030-01-01T00:00:00Z"}),
        (UNUSED, ("weight",), {"weight": 10}),
        (Code.UNMATCHABLE_RULE, ("ingress", 1), {"ingress": [R1, R2]}),  # it was meant otherwise
        (codes.Code.UNKNOWN_FALLBACK, ("fallback", 0), {"fallback": ["x"]}),
    ],
)
def test_whatever_might_be_meant_stays(code: str, path: Path, spec: Mapping[str, Any]) -> None:
    assert safe_fix(finding(code, *path), manifest(**spec)) is None


def test_only_lanes_are_fixed() -> None:
    of_group = finding(SHADOWED, "ingress", 1, kind="LaneGroup")
    assert safe_fix(of_group, manifest(ingress=[R1, R2])) is None
    asm = {**manifest(ingress=[R1, R2]), "kind": "ASMSwimLane"}
    assert safe_fix(finding(SHADOWED, "ingress", 1), asm) is None


def read(data: Any) -> Lane:
    found = read_alone(Document(data, Source("lane.yaml"))).declared
    assert isinstance(found, Lane)
    return found


def with_rules_that_take_nothing(mesh: Mesh, chance: Random) -> Mesh:
    """Some lanes have a wide rule, and one within it that comes later: for a host more, or not."""
    wide = IngressRule("wide", mesh.services[0].name, uri=prefix("/m"))
    narrow = replace(wide, name="narrow", uri=regex("/mock/.+"))
    lanes = []
    for lane in mesh.lanes:
        hosts = chance.choice([("*",), ("*", "own.test"), ("own.test", "a.example.com")])
        headers = dict(chance.choice([{}, {"x-b": exact("1")}]))
        enters = chance.choice([False, True])
        dead = replace(narrow, hosts=hosts, headers=headers, enter=enters)
        own = chance.choice([(), (wide, dead), (dead, wide)])
        lanes.append(replace(lane, ingress=(*lane.ingress, *own)))
    return replace(mesh, lanes=tuple(lanes))


_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]


@settings(max_examples=settings().max_examples // 5, suppress_health_check=_SLOW)
@given(meshes(), st.randoms(use_true_random=False))
def test_no_request_changes_its_path(mesh: Mesh, chance: Random) -> None:
    """For every mesh, and every fix of it."""
    mesh = with_rules_that_take_nothing(mesh, chance)
    for found in analyze(mesh):
        for index, lane in enumerate(mesh.lanes):
            if found.subject != key_of(lane) or (fix := safe_fix(found, encode(lane))) is None:
                continue
            lanes = [*mesh.lanes]
            lanes[index] = read(jsonpatch.apply_patch(encode(lane), fix))
            fixed = replace(mesh, lanes=tuple(lanes))
            assert changed_paths(mesh, fixed) == ()
            assert not [each for each in analyze(fixed) if each.severity is Severity.ERROR]
