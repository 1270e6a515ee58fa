"""Entering a lane without naming it, or by another name, as Istio does it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.compile.entering_meshes import (
    CALLS,
    CASES,
    SERVICES,
    SILENT,
    STRICT_CASES,
    declared,
    strict,
    weighted,
)
from tests.compile.interpreters import Asked, Readers
from tests.compile.meshes import group, lane, mesh, rule

from laneway.compile.simulate import Request
from laneway.model.lanes import Sticky, StickyKind, Unmatched
from laneway.model.meshes import Mesh


def readers(mesh: Mesh) -> Readers:
    gateways = tuple(replace(one, selector={"istio": "ingress"}) for one in mesh.gateways)
    return Readers(replace(mesh, gateways=gateways), CALLS)


def asked(one: Readers, request: Request, draw: int = 0) -> Asked:
    return Asked(request, 80, frozenset(w.name for w in one.mesh.workloads), draw=draw)


@pytest.mark.parametrize("unmatched", Unmatched)
@pytest.mark.parametrize("trace", ["x-lane", "x-trace"])
def test_requests_are_in_the_lane_that_they_name_or_enter(unmatched: Unmatched, trace: str) -> None:
    one = readers(declared(unmatched=unmatched, trace_header=trace))
    for request, _ in CASES:
        repeated = isinstance(request.headers.get("x-lane"), tuple)
        agreed = one.agree("istio", asked(one, request))
        assert agreed or repeated, request


@pytest.mark.parametrize("sticky", [None, Sticky(StickyKind.COOKIE, "user")])
def test_a_rule_has_a_weight_of_its_own_above_the_lanes(sticky: Sticky | None) -> None:
    one = readers(weighted(sticky))
    acme = Request(headers={"x-company": "acme"})
    for draw in range(0, 100, 5):
        assert one.agree("istio", asked(one, acme, draw))
        assert one.agree("istio", asked(one, Request(), draw))


@pytest.mark.parametrize("unmatched", Unmatched)
@pytest.mark.parametrize("others", [1, 200])
def test_where_nobody_enters_what_names_no_lane_counts_as_none_too(
    unmatched: Unmatched, others: int
) -> None:
    """Lanes without a route of their own share one, or several if their names are many."""
    entry, cart = rule("web"), [lane(f"other-{n}", "cart") for n in range(others)]
    lanes = [lane("base", "web cart", entry), *cart, lane("beta", "cart web", entry, weight=50)]
    of = group("web cart", trace_header="x-lane", unmatched=unmatched)
    one = readers(mesh([of], lanes, SERVICES))
    for value in ("", "unknown", "other", "base", "beta", "other-0", f"other-{others - 1}"):
        for draw in (0, 99):
            assert one.agree("istio", asked(one, Request(headers={"x-lane": value}), draw)), value


def test_in_strict_groups_who_is_not_chosen_by_a_rule_stays_without_a_lane() -> None:
    one = replace(readers(strict()), calls=SILENT)
    for request, _ in STRICT_CASES:
        for draw in range(0, 100, 5):
            assert one.agree("istio", asked(one, request, draw)), request


def test_a_gateway_without_selector_has_no_entries_and_the_report_says_so() -> None:
    one = Readers(declared(trace_header="x-lane"), CALLS)
    told = [f for f in one.reports["istio"] if f.code == "ISTIO_GATEWAY_WITHOUT_SELECTOR"]
    assert [str(finding.subject) for finding in told] == ["Gateway istio-system/ingressgateway"]
    names = [r["metadata"]["name"] for r in one.resources]
    assert not [name for name in names if name.endswith("-gateway-entry")]


@pytest.mark.parametrize("last", ["enter", "names"])
def test_no_lane_changes_the_filters_of_a_gateways_listener(last: str) -> None:
    """Whoever is connected would be disconnected."""
    entry = rule("web")
    lanes = [lane("base", "web cart", entry), lane("beta", "cart web", entry)]
    of = group("web cart", trace_header="x-lane")
    changed = {
        "enter": lane("beta", "cart web", replace(entry, enter=True)),
        "names": lane("beta", "cart web", entry, names=("gray",)),
    }[last]
    before = readers(mesh([of], lanes, SERVICES))
    after = readers(mesh([of], [lanes[0], changed], SERVICES))
    assert filters(before) == filters(after)
    assert all(each["disabled"] for each in filters(before))


def filters(one: Readers) -> list[dict[str, Any]]:
    return [
        patch["patch"]["value"]
        for found in one.resources
        for patch in found["spec"].get("configPatches", ())
        if patch["applyTo"] == "HTTP_FILTER" and patch["match"]["context"] == "GATEWAY"
    ]
