"""Which lines of a proxy's output are passed on as warnings."""

from __future__ import annotations

from laneway.adapters.runner.warnings import Warnings


def test_lines_that_laneway_has_proxies_write_are_warnings() -> None:
    warnings = Warnings(lambda: 0.0)
    assert warnings.of(b"laneway: write http://") == "write http://"
    assert warnings.of(b"[warning] laneway: is elsewhere") is None
    assert warnings.of(b"") is None


def test_the_same_words_are_passed_on_once_a_minute() -> None:
    now = [0.0]
    warnings = Warnings(lambda: now[0])
    assert [bool(warnings.of(b"laneway: a")) for _ in range(3)] == [True, False, False]
    assert warnings.of(b"laneway: b") == "b"
    now[0] = 61.0
    assert warnings.of(b"laneway: a") == "a"


def test_words_that_are_made_up_do_not_fill_the_memory() -> None:
    warnings = Warnings(lambda: 0.0)
    passed_on = [warnings.of(f"laneway: {number}".encode()) for number in range(1000)]
    assert 0 < sum(text is not None for text in passed_on) < 200
