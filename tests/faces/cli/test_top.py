"""Rates of lanes, from two readings of the figures, on terminals of every width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from rich.console import Console

from laneway.faces.cli import top
from laneway.faces.cli.top import Rate, Reading, Selection, rates

LATENCY = {"p50": 1.5, "p90": 4.0, "p99": None}


def figures(requests: int, **more: Any) -> Mapping[str, Any]:
    return {"requests": requests, **more}


def reading(at: float, **requests: int) -> Reading:
    """``a_s2_s1=3``: service a, lane, served lane."""
    keys = {name: name.replace("absent", "?").split("_") for name in requests}
    return Reading(
        at,
        {
            ("test", f"default/{keys[name][0]}", keys[name][1], keys[name][2]): figures(number)
            for name, number in requests.items()
        },
    )


def test_rates_are_of_the_time_between_two_readings_and_the_busiest_is_first() -> None:
    found = rates(reading(10, a_s1_s1=5), reading(14, a_s1_s1=7, a_absent_s1=40))
    assert [(each.lane, each.served, each.per_second) for each in found] == [
        ("?", "s1", 10.0),
        ("s1", "s1", 0.5),
    ]


def test_a_proxy_that_starts_anew_gives_no_negative_rate() -> None:
    (found,) = rates(reading(0, a_s1_s1=50), reading(2, a_s1_s1=2))
    assert (found.per_second, found.requests) == (0.0, 2)


def test_errors_and_latencies_are_shown_where_they_are_known() -> None:
    key = ("test", "default/a", "s1", "-")
    before = Reading(0, {key: figures(2, errors=1, latencyMilliseconds=LATENCY)})
    after = Reading(2, {key: figures(6, errors=5, latencyMilliseconds=LATENCY)})
    (found,) = rates(before, after)
    assert (found.errors_per_second, found.latency, found.served) == (2.0, LATENCY, "")
    (unknown,) = rates(reading(0), reading(1, a_s1_s1=1))
    assert (unknown.errors_per_second, unknown.latency) == (None, {})


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(), True),
        (Selection(lane="s2"), True),
        (Selection(lane="s1"), True),
        (Selection(lane="s3"), False),
        (Selection(service="a"), True),
        (Selection(service="default/a"), True),
        (Selection(service="b"), False),
    ],
)
def test_lanes_and_services_are_selected(selection: Selection, taken: bool) -> None:
    (rate,) = rates(reading(0), reading(1, a_s2_s1=1))
    assert selection.takes(rate) is taken


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (120, "LANE SERVED BY SERVICE REQ/S ERR/S REQUESTS P50 P90 P99"),
        (70, "LANE SERVED BY SERVICE REQ/S ERR/S P50 P99"),
        (50, "LANE SERVED BY SERVICE REQ/S ERR/S"),
        (40, "LANE SERVED BY SERVICE REQ/S"),
        (10, "LANE SERVED BY SERVICE REQ/S"),
    ],
)
def test_columns_that_do_not_fit_are_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    rate = Rate("test", "s2", "s1", "shop/cart", 3.25, 1.0, 12, LATENCY)
    top._print(Console(width=width), [rate], [], watch=False)
    head = capsys.readouterr().out.splitlines()[0]
    assert " ".join(head.split()) == columns


def broken(certainty: str, lane: str = "", service: str = "default/cart") -> dict[str, Any]:
    return {
        "services": [service],
        "lane": lane,
        "certainty": certainty,
        "message": f"calls of {service} left their lane",
    }


def test_services_whose_calls_leave_their_lane_stand_below(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    rate = Rate("test", "s2", "s1", "default/cart", 3.25, 1.0, 12, LATENCY)
    told = [broken("Certain", "s2"), broken("Suspected", service="shop/stock")]
    top._print(Console(width=200), [rate], told, watch=False)
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "leaves its lane: cart: calls of default/cart left their lane",
        "suspected: shop/stock: calls of shop/stock left their lane",
    ]


@pytest.mark.parametrize(
    ("selection", "concerned"),
    [
        (Selection(), ["s2", "s3", ""]),
        (Selection(lane="s2"), ["s2", ""]),
        (Selection(service="cart"), ["s2", "s3", ""]),
        (Selection(service="stock"), []),
    ],
)
def test_who_serves_every_lane_is_told_of_for_each(
    selection: Selection, concerned: list[str]
) -> None:
    found = [broken("Certain", lane) for lane in ("s2", "s3", "")]
    assert [each["lane"] for each in found if selection.concerns(each)] == concerned


def test_a_reading_has_the_propagation_of_every_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older server has none."""
    statuses = {"a": {"lanes": [], "propagation": [broken("Certain", "s2")]}, "b": {"lanes": []}}
    items = [{"metadata": {"name": name}, "status": each} for name, each in statuses.items()]
    monkeypatch.setattr(top, "request", lambda *_: {"items": items})
    (found,) = top.read(None, lambda: 0.0).propagation  # type: ignore[arg-type]
    assert found == {**broken("Certain", "s2"), "group": "a"}
