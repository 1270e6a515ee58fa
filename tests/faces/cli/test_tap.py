"""What ``laneway tap`` shows of entries of access logs, and which."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from laneway.faces.cli.tap import head, row

ENTRY: dict[str, Any] = {
    "time": "2026-11-26T05:55:42.565Z",
    "method": "GET",
    "path": "/mock",
    "status": 200,
    "duration_ms": 12,
    "service": "default/mockb",
    "lane": "s2",
    "served": "s1",
}


def shown(width: int, **more: Any) -> str:
    return row(Console(width=width), "sidecar~mocka-v1.default", {**ENTRY, **more}).plain


def test_a_line_has_caller_service_both_lanes_and_the_answer() -> None:
    words = "05:55:42.565 mocka-v1 mockb s2 s1 200 12 GET /mock"
    assert shown(120).split() == words.split()


def test_narrow_terminals_have_what_matters_most() -> None:
    assert shown(60).split() == ["mockb", "s2", "s1", "200", "12", "GET", "/mock"]
    assert head(Console(width=60)).plain.split() == [
        "TO",
        "LANE",
        "SERVED",
        "CODE",
        "MS",
        "REQUEST",
    ]


def test_what_is_not_known_is_a_dash_and_no_answer_is_0() -> None:
    words = shown(60, service=None, lane=None, served=None, status=None, path=None).split()
    assert words == ["-", "-", "-", "0", "12", "GET", "-"]


def test_what_a_client_sends_does_not_steer_the_terminal() -> None:
    assert "\x1b" not in shown(120, path="/\x1b[2J\x07", method="\x1b]0;x")
