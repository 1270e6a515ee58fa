"""No colours: by an option anywhere on the line, and by the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from laneway.faces.cli.colours import without_colour_option

from .conftest import Cli


@pytest.mark.parametrize(
    ("words", "left", "off"),
    [
        (["get", "lanes", "--no-color"], ["get", "lanes"], True),
        (["--no-color", "get", "lanes"], ["get", "lanes"], True),
        (["get", "lanes"], ["get", "lanes"], False),
        (["exec", "a", "--", "x", "--no-color"], ["exec", "a", "--", "x", "--no-color"], False),
    ],
)
def test_the_option_is_taken_from_anywhere_but_behind_two_dashes(
    monkeypatch: pytest.MonkeyPatch, words: list[str], left: list[str], off: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    assert without_colour_option(words) == left
    assert bool(os.environ["NO_COLOR"]) is off


@pytest.mark.parametrize("how", ["option", "variable", None])
def test_no_escape_is_printed_without_colours(
    cli: Cli, examples: Path, monkeypatch: pytest.MonkeyPatch, how: str | None
) -> None:
    monkeypatch.setenv("NO_COLOR", "1" if how == "variable" else "")
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    words = ("explain", "-f", examples / "scenario-1", "--path", "/mock")
    found = cli(*words, *(["--no-color"] if how == "option" else []))
    assert found.code == 0
    assert ("\x1b" in found.out) is (how is None)
