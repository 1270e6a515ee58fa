"""An explanation says of a lane that does not count why it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.compile.meshes import ROUTE_HEADER, exact, group, lane, mesh, rule, service

from laneway.compile.lower import lower
from laneway.compile.simulate import InactiveLanes, Outcome, Request, Why, inactive_lanes, simulate
from laneway.model.lane_lives import active
from laneway.model.lanes import RouteBy, Unmatched
from laneway.model.meshes import Mesh

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LIVES: dict[str, tuple[Mapping[str, Any], Why, str]] = {
    "disabled": ({"enabled": False}, Why.DISABLED_LANE, "lane s2 is disabled"),
    "expired": (
        {"expires_at": NOON - timedelta(days=1)},
        Why.EXPIRED_LANE,
        "lane s2 expired at 2026-05-31T12:00:00Z",
    ),
}


def declared(fields: Mapping[str, Any], **of_group: Any) -> Mesh:
    lanes = [lane("s1", "a b", rule("a")), lane("s2", "a b", rule("a", uri=exact("/two")))]
    lanes[1] = replace(lanes[1], names=("gray",), **fields)
    return mesh([group("a b", **of_group)], lanes, [service("a"), service("b")], {"a": "b"})


def explained(whole: Mesh, request: Request, inactive: InactiveLanes | None = None) -> Outcome:
    counting = active(whole, NOON)
    given = inactive_lanes(whole, NOON) if inactive is None else inactive
    return simulate(counting, lower(counting), request, inactive=given)


def naming(value: str) -> Request:
    return Request(headers={ROUTE_HEADER: value})


@pytest.mark.parametrize("life", LIVES)
def test_each_hop_says_that_the_lane_does_not_count(life: str) -> None:
    fields, why, text = LIVES[life]
    whole = declared(fields, trace_header=ROUTE_HEADER)
    outcome = explained(whole, naming("s2"))
    assert [hop.served for hop in outcome.hops] == ["s1", "s1"]
    for hop in outcome.hops:
        assert text in [reason.text for reason in hop.reasons if reason.why is why]
        assert hop.fallback is why
    unknown = explained(whole, naming("s9"))
    assert {hop.fallback for hop in unknown.hops} == {Why.UNKNOWN_LANE}


@pytest.mark.parametrize("value", ["s2", "gray"])
@pytest.mark.parametrize("life", LIVES)
def test_where_a_gateway_reads_names_it_says_so_of_aliases_too(life: str, value: str) -> None:
    fields, _, text = LIVES[life]
    whole = declared(fields, route_by=RouteBy(query="lane"))
    for request in (naming(value), Request(path=f"/?lane={value}")):
        outcome = explained(whole, request)
        (told,) = [r.text for r in outcome.hops[0].reasons if r.why is Why.NAME_READ]
        assert told.endswith(f" {value} names no lane that counts: {text}")


@pytest.mark.parametrize("life", LIVES)
def test_a_gateway_that_asks_for_a_lane_says_why_this_one_is_none(life: str) -> None:
    fields, _, text = LIVES[life]
    failure = explained(declared(fields, unmatched=Unmatched.NOT_FOUND), naming("s2")).failure
    assert failure is not None
    assert failure.message.endswith(f"it names s2: {text}")


@pytest.mark.parametrize("life", LIVES)
def test_it_changes_words_alone(life: str) -> None:
    whole = declared(LIVES[life][0])
    for request in (naming("s2"), naming("s1"), Request(path="/two"), Request()):
        outcome = explained(whole, request)
        silent = explained(whole, request, InactiveLanes())
        for one, other in zip(outcome.hops, silent.hops, strict=True):
            assert replace(one, reasons=()) == replace(other, reasons=())


def test_when_a_lane_was_disabled_is_said_where_it_is_known() -> None:
    whole = declared({"enabled": False})
    since = inactive_lanes(whole, NOON, {"s2": "2026-05-01T00:00:00Z"})
    said = [r.text for hop in explained(whole, naming("s2"), since).hops for r in hop.reasons]
    assert "lane s2 is disabled since 2026-05-01T00:00:00Z" in said


def test_a_lane_that_serves_as_a_baseline_is_among_none() -> None:
    whole = declared({"expires_at": NOON}, baseline="s2")
    assert inactive_lanes(whole, NOON) == InactiveLanes()
