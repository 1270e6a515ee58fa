"""What the API server says to lanes and groups that cannot be: as a user reads it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cluster.administrators import ApiError
from tests.cluster.sandboxes import Sandbox

pytestmark = pytest.mark.slow

RULE = {"name": "r", "destination": "a"}

LANES: dict[str, tuple[dict[str, Any], str]] = {
    "no group": ({"group": None}, "spec.group: Required value"),
    "no selector": ({"selector": {}}, "a lane needs a selector or matchExpressions"),
    "a typo": ({"selectr": {"a": "b"}}, ".spec.selectr: field not declared in schema"),
    "too much weight": ({"weight": 130}, "spec.weight in body should be less than or equal to 100"),
    "strict and a fallback": (
        {"mode": "strict", "fallback": ["x"]},
        "a strict lane never falls back",
    ),
    "two ways to match": (
        {"ingress": [{**RULE, "uri": {"exact": "/a", "prefix": "/b"}}]},
        "spec.ingress[0].uri: Invalid value: needs exactly one of exact, prefix and regex",
    ),
    "a path with a query": (
        {"ingress": [{**RULE, "uri": {"exact": "/a?b=c"}}]},
        "a path begins with / and holds neither a query nor a fragment",
    ),
    "a label that is none": ({"selector": {"a": "b c"}}, "spec.selector.a: Invalid value"),
}

GROUPS: dict[str, tuple[dict[str, Any], str]] = {
    "no services": ({"services": []}, "spec.services in body should have at least 1 items"),
    "no route header": ({"routeHeader": None}, "spec.routeHeader: Required value"),
    "a mode that is none": (
        {"mode": "lax"},
        'Unsupported value: "lax": supported values: "permissive", "strict"',
    ),
    "no header": (
        {"routeHeader": "x y"},
        'spec.routeHeader: Invalid value: "x y": a header\'s name has only letters, digits and '
        "!#$%&'*+.^_`|~-",
    ),
    "a header that does not travel": (
        {"traceHeader": "Host"},
        "this header belongs to one connection or message: no lane can travel on it",
    ),
    "a user by two things": (
        {"sticky": {"header": "a", "cookie": "b"}},
        "needs exactly one of header and cookie",
    ),
}


@pytest.mark.parametrize("case", LANES)
async def test_lanes(place: Sandbox, case: str) -> None:
    spec, said = LANES[case]
    await refused(place, place.lane("v1", "a", **spec), said)


@pytest.mark.parametrize("case", GROUPS)
async def test_groups(place: Sandbox, case: str) -> None:
    spec, said = GROUPS[case]
    group = place.group
    group["spec"] |= spec
    await refused(place, group, said)


async def test_names_are_labels(place: Sandbox) -> None:
    lane = place.lane("v1", "a")
    lane["metadata"]["name"] += ".x"
    await refused(place, lane, "the name must be at most 63 of a-z, 0-9 and -")


async def test_defaults_are_filled_in(place: Sandbox) -> None:
    lane = await place.apply(place.lane("v1", "a", ingress=[RULE]))
    assert lane["spec"]["weight"] == 0
    assert lane["spec"]["ingress"][0]["online"] is True
    group = await place.apply(place.group)
    assert (group["spec"]["mode"], group["spec"]["unmatched"]) == ("permissive", "baseline")


async def test_only_the_operator_writes_statuses(place: Sandbox) -> None:
    lane = place.lane("v1", "a")
    made = await place.apply({**lane, "status": {"observedGeneration": 7}})
    assert "status" not in made


async def refused(place: Sandbox, item: dict[str, Any], said: str) -> None:
    item["spec"] = {name: value for name, value in item["spec"].items() if value is not None}
    with pytest.raises(ApiError) as error:
        await place.apply(item)
    assert said in str(error.value)
