"""What ASM's console and Go clients write back: its structs have no pointers, so zero values say
nothing.

The tables list every struct of ASM's two kinds with its fields and their zero values.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from laneway.model.codes import Code
from laneway.model.findings import Finding, Source
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.meshes import Mesh
from laneway.schema import Document, decode

ASM = "istio.alibabacloud.com/v1"
DESTINATION = {"host": "web.shop.svc.cluster.local"}
CLUSTER: dict[str, Any] = {"region": "", "name": "", "id": ""}
SERVICE: dict[str, Any] = {"cluster": CLUSTER, "trafficPolicyPatch": None, "httpRoutePatch": None}
URI: dict[str, Any] = {"exact": "", "prefix": "", "regex": ""}
MATCH: dict[str, Any] = {"uri": URI, "headers": None}
NO_DESTINATION: dict[str, Any] = {"host": "", "portNum": 0}

#: Of each struct that may be left out: where it stands, and its fields with their zero values.
GROUP_STRUCTS: dict[tuple[str, ...], dict[str, Any]] = {
    ("ingress",): {
        "gateway": {"name": "", "namespace": "", "type": ""},
        "ingressRouting": {
            "ingressRoutingStrategy": "",
            "weightedRoutingRule": {"hosts": None, "requestMatches": None},
        },
    },
    ("ingress", "gateway"): {"name": "", "namespace": "", "type": ""},
    ("ingress", "ingressRouting"): {
        "ingressRoutingStrategy": "",
        "weightedRoutingRule": {"hosts": [], "requestMatches": []},
    },
    ("ingress", "ingressRouting", "weightedRoutingRule"): {"hosts": [], "requestMatches": []},
    ("permissiveModeConfiguration",): {
        "fallbackTarget": "",
        "serviceLevelFallbackTarget": None,
        "traceHeader": "",
        "routeHeader": "",
    },
    ("services", "0", "cluster"): CLUSTER,
}
LANE_STRUCTS: dict[tuple[str, ...], dict[str, Any]] = {
    ("ingressRules", "0", "match"): MATCH,
    ("ingressRules", "0", "match", "uri"): URI,
    ("ingressWeight",): {"destination": NO_DESTINATION, "weight": 0},
    ("ingressWeight", "destination"): NO_DESTINATION,
    ("services", "0", "cluster"): CLUSTER,
}
#: Of each struct that is needed: its fields that are not, with their zero values.
OPTIONAL: dict[tuple[str, tuple[str, ...]], dict[str, Any]] = {
    ("group", ()): {
        "ingress": {"gateway": {}, "ingressRouting": {"weightedRoutingRule": {}}},
        "isPermissive": False,
        "permissiveModeConfiguration": {},
        "defaultTrafficPolicyPatch": None,
        "defaultHttpRoutePatch": None,
        "autoUpdate": False,
    },
    ("group", ("services", "0")): SERVICE,
    ("lane", ()): {"ingressWeight": {"destination": {}}},
    ("lane", ("services", "0")): SERVICE,
    ("lane", ("ingressRules", "0")): {"hosts": None, "match": {"uri": {}}},
    ("lane", ("ingressRules", "0", "route", "destination")): {"portNum": 0},
}


def group_spec() -> dict[str, Any]:
    return {"services": [{"name": "web", "namespace": "shop"}]}


def lane_spec() -> dict[str, Any]:
    rule = {"name": "r1", "online": True, "route": {"destination": DESTINATION}}
    return {
        "labelSelector": {"version": "v1"},
        "services": [{"name": "web", "namespace": "shop"}],
        "ingressRules": [rule],
    }


def decoded(group: dict[str, Any], lane: dict[str, Any]) -> tuple[Mesh, tuple[Finding, ...]]:
    data = [
        {
            "apiVersion": ASM,
            "kind": "ASMSwimLaneGroup",
            "metadata": {"name": "shop", "creationTimestamp": None},
            "spec": group,
            "status": {},
        },
        {
            "apiVersion": ASM,
            "kind": "ASMSwimLane",
            "metadata": {"name": "base", "labels": {"swimlane-group": "shop"}},
            "spec": lane,
            "status": {},
        },
    ]
    return decode(
        (Document(each, Source("test", n)) for n, each in enumerate(data, 1)),
        complete=False,
        check=lambda mesh, gaps: (),
    )


def with_value(spec: dict[str, Any], path: tuple[str, ...], value: dict[str, Any]) -> None:
    """Set ``value`` at the path, or add its fields to the mapping that stands there."""
    at: Any = spec
    for part in path[:-1]:
        at = at[int(part)] if part.isdigit() else at.setdefault(part, {})
    if not path:
        at.update(copy.deepcopy(value))
    elif path[-1].isdigit():
        at[int(path[-1])].update(copy.deepcopy(value))
    elif isinstance(at.get(path[-1]), dict):
        at[path[-1]].update(copy.deepcopy(value))
    else:
        at[path[-1]] = copy.deepcopy(value)


def case_name(value: object) -> str:
    return ".".join(value) if isinstance(value, tuple) else ""


@pytest.mark.parametrize("path", GROUP_STRUCTS, ids=case_name)
@pytest.mark.parametrize("filled", [True, False], ids=["all fields empty", "no fields"])
def test_an_empty_struct_of_a_group_is_none(path: tuple[str, ...], filled: bool) -> None:
    group = group_spec()
    with_value(group, path, GROUP_STRUCTS[path] if filled else {})
    assert decoded(group, lane_spec()) == decoded(group_spec(), lane_spec())


@pytest.mark.parametrize("path", LANE_STRUCTS, ids=case_name)
@pytest.mark.parametrize("filled", [True, False], ids=["all fields empty", "no fields"])
def test_an_empty_struct_of_a_lane_is_none(path: tuple[str, ...], filled: bool) -> None:
    lane = lane_spec()
    with_value(lane, path, LANE_STRUCTS[path] if filled else {})
    assert decoded(group_spec(), lane) == decoded(group_spec(), lane_spec())


@pytest.mark.parametrize(("which", "path"), OPTIONAL, ids=str)
def test_empty_fields_of_a_struct_that_is_needed_are_none(
    which: str, path: tuple[str, ...]
) -> None:
    specs = {"group": group_spec(), "lane": lane_spec()}
    with_value(specs[which], path, OPTIONAL[which, path])
    assert decoded(**specs) == decoded(group_spec(), lane_spec())


@pytest.mark.parametrize("services", [None, []], ids=["null", "empty"])
def test_an_empty_list_of_services_is_all_of_the_groups(services: object) -> None:
    mesh, findings = decoded(group_spec(), {**lane_spec(), "services": services})
    assert not findings
    assert mesh.lanes[0].services == mesh.groups[0].services


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ({"exact": "/a", "prefix": "", "regex": ""}, StringMatch(MatchKind.EXACT, "/a")),
        ({"prefix": "/a", "exact": ""}, StringMatch(MatchKind.PREFIX, "/a")),
        ({"regex": "/a.*", "prefix": None}, StringMatch(MatchKind.REGEX, "/a.*")),
    ],
)
def test_of_a_match_the_kind_counts_that_is_not_empty(uri: Any, expected: StringMatch) -> None:
    lane = lane_spec()
    lane["ingressRules"][0]["match"] = {"uri": uri}
    mesh, findings = decoded(group_spec(), lane)
    assert not findings
    assert mesh.lanes[0].ingress[0].uri == expected


@pytest.mark.parametrize("match", [{}, {"exact": "", "prefix": "", "regex": ""}])
def test_a_header_without_a_condition_has_to_be_there(match: dict[str, str]) -> None:
    lane = lane_spec()
    lane["ingressRules"][0]["match"] = {"uri": {}, "headers": {"x-user": match}}
    mesh, findings = decoded(group_spec(), lane)
    assert not findings
    assert mesh.lanes[0].ingress[0].headers == {"x-user": StringMatch(MatchKind.REGEX, ".*")}


def test_a_weight_that_is_left_out_is_0() -> None:
    lane = {**lane_spec(), "ingressRules": None, "ingressWeight": {"destination": DESTINATION}}
    mesh, findings = decoded(group_spec(), lane)
    assert not findings
    assert mesh.lanes[0].weight == 0


def test_a_label_may_have_an_empty_value() -> None:
    mesh, findings = decoded(group_spec(), {**lane_spec(), "labelSelector": {"canary": ""}})
    assert not findings
    assert mesh.lanes[0].selector == {"canary": ""}


def test_a_rule_without_online_is_offline_and_warned_of() -> None:
    lane = lane_spec()
    del lane["ingressRules"][0]["online"]
    mesh, (finding,) = decoded(group_spec(), lane)
    assert not mesh.lanes[0].ingress[0].online
    assert (finding.code, finding.field) == (Code.NO_EFFECT, "spec.ingressRules[0].online")


def test_a_rule_that_says_that_it_is_offline_is_not_warned_of() -> None:
    lane = lane_spec()
    lane["ingressRules"][0]["online"] = False
    mesh, findings = decoded(group_spec(), lane)
    assert not findings
    assert not mesh.lanes[0].ingress[0].online


@pytest.mark.parametrize(
    ("which", "spec", "field"),
    [
        ("group", {"services": []}, "spec.services"),
        ("group", {"services": [{"name": ""}]}, "spec.services[0].name"),
        ("lane", {"labelSelector": {}}, "spec.labelSelector"),
        ("lane", {"ingressRules": [{}]}, "spec.ingressRules[0].name"),
        (
            "lane",
            {"ingressRules": [{"name": "r1", "online": True, "route": {"destination": {}}}]},
            "spec.ingressRules[0].route",
        ),
        ("group", {"ingress": {"gatway": {}}}, "spec.ingress.gatway"),
    ],
)
def test_what_is_needed_is_missing_when_it_is_empty(
    which: str, spec: dict[str, Any], field: str
) -> None:
    specs = {"group": group_spec(), "lane": lane_spec()}
    specs[which] |= spec
    _, findings = decoded(**specs)
    assert field in [finding.field for finding in findings]
    assert {finding.code for finding in findings} <= {Code.MISSING_FIELD, Code.UNKNOWN_FIELD}
