"""The filter's own unit tests, which are written in Zig beside the logic."""

from __future__ import annotations

import hatch_build
import pytest


@pytest.mark.parametrize(
    "source",
    ["memory.zig", "open_requests.zig", "trace_context.zig", "baggage.zig", "config.zig"],
)
def test_zig_unit_tests_pass(source: str) -> None:
    hatch_build.zig("test", hatch_build.SOURCES / source)


def test_sources_are_formatted() -> None:
    hatch_build.zig("fmt", "--check", hatch_build.SOURCES, cached=False)
