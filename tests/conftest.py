"""Golden files: expected texts kept in files, rewritten by ``pytest --update-golden``.

And what all property tests (those with Hypothesis) have in common.
"""

from __future__ import annotations

import gc
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings
from tests.process_caches import clear_process_caches

# How long an example takes depends on the machine. Those tests that say no other number of examples
# try these few, the same ones each time: what a search finds must not fail somebody else's change.
# `make nightly` searches: it tries many, others in each run. The mutation run must not need luck.
settings.register_profile("laneway", deadline=None, max_examples=25, derandomize=True)
settings.register_profile("nightly", deadline=None, max_examples=1000)
settings.register_profile("mutants", deadline=None, max_examples=300, derandomize=True)
settings.load_profile(os.environ.get("LANEWAY_HYPOTHESIS_PROFILE", "laneway"))

Golden = Callable[[Path, str], None]
_ENVOY_ALONE = re.compile(r"^pytestmark = .*\bpytest\.mark\.envoy\b", re.MULTILINE)


def pytest_configure() -> None:
    """A shell's background jobs ignore Ctrl-C, and what they start does so, too: tests interrupt
    the programs that they start."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Every worker imports every file. Those of which ``-m`` selects no test may be left out."""
    wanted = config.option.markexpr.split(" and ")
    if collection_path.suffix != ".py" or not {"envoy", "not envoy"} & set(wanted):
        return None
    text = collection_path.read_text(encoding="utf-8")
    if "envoy" in wanted:
        return True if "pytest.mark.envoy" not in text else None
    return True if _ENVOY_ALONE.search(text) else None


@pytest.hookimpl(trylast=True)  # after the plugin that marks them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Coverage is not measured in property tests: it makes them twice as slow, and they reach
    little that others do not. Files with slow tests come first: none is to begin when all other
    workers have ended."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    for item in items:
        if item.get_closest_marker("hypothesis"):
            item.add_marker(pytest.mark.no_cover)


def pytest_collection_finish() -> None:
    """The garbage collector need not look again and again through what all tests are made of."""
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.fixture(scope="module", autouse=True)
def caches_of_one_file() -> Iterator[None]:
    """The replacements of one file's tests and fixtures do not affect those of other files."""
    yield
    clear_process_caches()


@pytest.fixture(autouse=True)
def caches_of_one_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that replaces something gets no result of the time before, and leaves none."""
    replaces = "monkeypatch" in request.fixturenames
    if replaces:
        clear_process_caches()
    yield
    structlog.reset_defaults()  # it may write to what pytest has closed by then
    if replaces:
        clear_process_caches()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """``golden(path, text)``: the file at ``path`` holds exactly ``text``; with the flag it will.

    An empty text means that the file must not exist.
    """
    update = request.config.getoption("--update-golden")

    def compare(path: Path, text: str) -> None:
        if update:
            if text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            else:
                path.unlink(missing_ok=True)
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        assert text == expected, f"{path} differs; if it should, run pytest --update-golden"

    return compare
