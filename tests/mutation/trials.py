"""Tries a breakage of the product: the tests that should catch it must fail, by an assertion.

Every trial has a source tree of its own, so that the working tree is never edited and trials can
run side by side. ``breakages`` says what is broken, ``run`` prints the results.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from importlib.util import cache_from_source
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]

#: Seconds for one run of pytest. A test that hangs does not tell what is wrong.
DEADLINE = 300.0

# Bytecode is copied: a trial is shorter than to compile all the sources again.
_NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".zig-cache", ".hypothesis", "node_modules", "dist", "build"
)
_MANY_EXAMPLES = {"LANEWAY_HYPOTHESIS_PROFILE": "mutants"}
# How pytest's report begins where an assertion failed or a ``pytest.raises`` saw nothing.
_ASSERTION = re.compile(r"assert |AssertionError\b|Failed: ")


@dataclass(frozen=True)
class Breakage:
    """One edit of the product, and the tests that must notice it, each of them by itself.

    ``file`` is relative to the root of the sources; ``old`` occurs in it exactly once. ``why`` says
    what would be lost if the edit went unnoticed. ``quick`` ones run within ``make test``. A test
    is one of pytest's, or ``console/src/….test.ts::NAME`` of vitest's.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str
    quick: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """``problem`` is empty where the test caught the breakage."""

    breakage: Breakage
    test: str
    problem: str = ""


class NotApplicable(ValueError):
    """The source has changed, so that the edit does not fit any more."""


def broken(root: Path, breakage: Breakage) -> str:
    """The text of the file with the edit made. Raises ``NotApplicable``."""
    path = root / breakage.file
    if not path.is_file():
        raise NotApplicable(f"{breakage.name}: there is no {breakage.file}")
    text = path.read_text(encoding="utf-8")
    if (times := text.count(breakage.old)) != 1:
        raise NotApplicable(
            f"{breakage.name}: the old text occurs {times} times in {breakage.file}, not once: "
            f"{breakage.old!r}"
        )
    return text.replace(breakage.old, breakage.new)


def trial_results(breakages: Sequence[Breakage], root: Path = ROOT) -> Iterator[Result]:
    """One for each breakage and each of its tests, as they come."""
    with copied(root) as pristine:  # so that the sources may be edited meanwhile
        yield from trial_results_in(pristine, breakages)


def trial_results_in(pristine: Path, breakages: Sequence[Breakage]) -> Iterator[Result]:
    """As ``trial_results``, of a tree that ``copied`` made: the trials share its files."""
    unbroken = _Unbroken(pristine)
    for breakage in breakages:
        with _linked(pristine) as tree:
            try:
                text = broken(tree, breakage)
            except NotApplicable as error:
                yield from (Result(breakage, test, str(error)) for test in breakage.tests)
                continue
            _write(tree / breakage.file, text)
            _rebuild(tree, breakage)
            for test in breakage.tests:
                problem = unbroken.problem(test, breakage.environment) or _uncaught(
                    _run(tree, test, breakage.environment)
                )
                yield Result(breakage, test, problem)


class _Unbroken:
    """Tests that fail although nothing is broken prove nothing."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[tuple[str, frozenset[tuple[str, str]]], str] = {}

    def problem(self, test: str, environment: Mapping[str, str]) -> str:
        """Why the test does not pass; empty where it does. It is run once."""
        key = (test, frozenset(environment.items()))
        if key not in self._known:
            with _linked(self._root) as tree:
                run = _run(tree, test, environment)
            reasons = [run.trouble, *run.errors, *run.failures]
            missing = "" if run.passed else "no test case ran"
            reason = next(filter(None, [*reasons, missing]), "")
            self._known[key] = f"fails unbroken: {reason}" if reason else ""
        return self._known[key]


@dataclass(frozen=True)
class _Run:
    """What pytest reported: a message for each test case that failed, and for each that could not
    be run. ``trouble`` where it reported nothing."""

    passed: int = 0
    failures: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    trouble: str = ""


def _uncaught(run: _Run) -> str:
    """Why the run does not count as a test that caught a breakage."""
    if run.trouble or (run.errors and not run.failures):
        return f"could not run: {run.trouble or run.errors[0]}"
    if not run.failures:
        return "SURVIVED: the test passes"
    others = [message for message in run.failures if not _ASSERTION.match(message)]
    return f"failed otherwise than by an assertion: {others[0]}" if others else ""


def _run(tree: Path, test: str, environment: Mapping[str, str]) -> _Run:
    """Run one test in the copy, against the copy's sources."""
    report = tree / "report.xml"
    report.unlink(missing_ok=True)
    in_console = test.partition("::")[0].endswith(".ts")
    try:
        done = subprocess.run(
            _vitest(tree, test, report) if in_console else _pytest(test, report),
            cwd=tree / "console" if in_console else tree,
            env={**os.environ, **_MANY_EXAMPLES, **environment, "PYTHONPATH": str(tree / "src")},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _Run(trouble=f"no result within {DEADLINE:.0f} s")
    except FileNotFoundError as error:
        return _Run(trouble=f"{error.filename}: {error.strerror}")
    run = _read(report) if report.exists() else _Run()
    if done.returncode not in (0, 1):  # 1: some tests failed
        return _Run(errors=run.errors, trouble=_first_error(done.stdout + done.stderr))
    return run


def _pytest(test: str, report: Path) -> list[str]:
    options = ("-q", "-x", "-p", "no:cacheprovider", f"--junitxml={report}")
    return [sys.executable, "-m", "pytest", *options, test]


def _vitest(tree: Path, test: str, report: Path) -> list[str]:
    """A unit test of the console, with the packages that are installed beside the sources."""
    packages = tree / "console/node_modules"
    if not packages.exists():
        packages.symlink_to(ROOT / "console/node_modules")
    file, _, name = test.partition("::")
    options = ("--reporter=junit", f"--outputFile={report}", "-t", re.escape(name))
    program = packages / "vitest/vitest.mjs"
    return ["node", str(program), "run", file.removeprefix("console/"), *options]


def _read(report: Path) -> _Run:
    passed, failures, errors = 0, [], []
    for case in ElementTree.parse(report).iter("testcase"):
        # One that fails may leave something behind, which then is an error of its teardown, too.
        if (failure := case.find("failure")) is not None:
            failures.append(_first_line(failure))
        elif (error := case.find("error")) is not None:
            errors.append(_first_line(error))
        elif case.find("skipped") is None:
            passed += 1
    return _Run(passed, tuple(failures), tuple(errors))


def _first_line(element: ElementTree.Element) -> str:
    """vitest gives the kind of the error apart, pytest within its message."""
    message = element.get("message", "").partition("\n")[0] or "no message"
    kind = element.get("type")
    return f"{kind}: {message}" if kind else message


def _first_error(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("E")), lines[-1] if lines else "")


def _write(file: Path, text: str) -> None:
    """Without its bytecode, which would be taken for the new text's if both are of one second."""
    file.unlink()  # Trees share their files.
    file.write_text(text, encoding="utf-8")
    if file.suffix == ".py":
        Path(cache_from_source(str(file))).unlink(missing_ok=True)


def _rebuild(tree: Path, breakage: Breakage) -> None:
    """What is compiled from the sources; the filter is the only such thing."""
    if breakage.file.startswith("filter/"):
        subprocess.run([sys.executable, "hatch_build.py"], cwd=tree, check=True)


def copied(root: Path) -> AbstractContextManager[Path]:
    """A copy of the source tree. Its files are those of no other tree."""
    return _tree(root, shutil.copy2)


def _linked(pristine: Path) -> AbstractContextManager[Path]:
    """The same files in another tree, which takes a tenth of the time of copying them."""
    return _tree(pristine, os.link)


@contextmanager
def _tree(root: Path, copy: Callable[[str, str], object]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="laneway-mutant-") as folder:
        tree = Path(folder) / "laneway"
        # With times, by which the filter's build knows that nothing is to be done.
        shutil.copytree(root, tree, ignore=_NOT_COPIED, symlinks=True, copy_function=copy)
        yield tree
