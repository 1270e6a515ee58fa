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
    top._print(Console(width=width), [rate], watch=False)
    head = capsys.readouterr().out.splitlines()[0]
    assert " ".join(head.split()) == columns
