"""The filter's own unit tests, which are written in Zig beside the logic."""

from __future__ import annotations

import os

import hatch_build
import pytest


def failure_of(source: str, *arguments: str) -> str:
    """What the tests in that file say when they fail."""
    try:
        hatch_build.zig("test", *arguments, hatch_build.SOURCES / source)
    except hatch_build.FilterBuildError as error:
        return str(error)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        "memory.zig",
        "open_requests.zig",
        "trace_context.zig",
        "baggage.zig",
        "config.zig",
        "inside.zig",
        "hop.zig",
        "fuzz.zig",
    ],
)
def test_zig_unit_tests_pass(source: str) -> None:
    assert failure_of(source) == ""


@pytest.mark.slow
def test_the_table_that_threads_and_processes_share() -> None:
    assert failure_of("table.zig", "-lc") == ""


@pytest.mark.slow
@pytest.mark.skipif("LANEWAY_SANITIZE" not in os.environ, reason="make sanitize runs it")
def test_threads_race_for_nothing() -> None:
    """ThreadSanitizer, which is compiled first: that takes a minute."""
    assert failure_of("table.zig", "-lc", "-fsanitize-thread") == ""


@pytest.mark.slow
def test_sources_are_formatted() -> None:
    hatch_build.zig("fmt", "--check", hatch_build.SOURCES, cached=False)
