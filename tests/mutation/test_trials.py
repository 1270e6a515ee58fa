"""The mutation run itself can fail: on a tree of two files, with a product and its tests."""

from __future__ import annotations

import py_compile
from dataclasses import replace
from pathlib import Path

import pytest
from tests.mutation.trials import (
    Breakage,
    NotApplicable,
    broken,
    copied,
    trial_results,
    trial_results_in,
)

pytestmark = pytest.mark.slow

UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH
PRODUCT = "def double(number):\n    return 2 * number\n"
TESTS = """\
import os
import pytest
from product import double

def test_catches():
    assert double(3) == 6

def test_catches_by_raises():
    with pytest.raises(TypeError):
        double(None)

def test_misses():
    assert double(0) == 0

def test_stumbles():
    assert 6 / double(3)

def test_needs_something_else():
    assert os.environ["SOMETHING"] == "else"
    assert double(3) == 6

def test_fails_anyway():
    assert False, "anyway"

@pytest.mark.skip
def test_is_skipped():
    assert double(3) == 6
"""
# Plugins take longer to import than these tests take, and the tests need none.
BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
BREAKAGE = Breakage(
    "it does not double",
    "src/product.py",
    "2 * number",
    "0 * (number or 0)",
    (),
    "figures are wrong",
    environment=BARE,
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/product.py").write_text(PRODUCT)
    (tmp_path / "test_product.py").write_text(TESTS)
    return tmp_path


def problem(tree: Path, test: str, breakage: Breakage = BREAKAGE) -> str:
    (result,) = trial_results([replace(breakage, tests=(f"test_product.py::{test}",))], tree)
    return result.problem


@pytest.mark.parametrize("test", ["test_catches", "test_catches_by_raises"])
def test_a_test_that_fails_by_an_assertion_catches(tree: Path, test: str) -> None:
    assert problem(tree, test) == ""
    assert (tree / "src/product.py").read_text() == PRODUCT


@pytest.mark.parametrize(
    ("test", "says"),
    [
        ("test_misses", "SURVIVED: the test passes"),
        ("test_stumbles", "failed otherwise than by an assertion: ZeroDivisionError"),
        ("test_fails_anyway", "fails unbroken: AssertionError: anyway"),
        ("test_is_skipped", "fails unbroken: no test case ran"),
        ("test_that_is_not_there", "fails unbroken: ERROR: not found"),
    ],
)
def test_any_other_does_not(tree: Path, test: str, says: str) -> None:
    assert problem(tree, test).startswith(says)


def test_sources_that_cannot_be_imported_catch_nothing(tree: Path) -> None:
    nonsense = replace(BREAKAGE, new="2 *")
    assert problem(tree, "test_catches", nonsense).startswith("could not run: ")


def test_a_breakage_has_an_environment(tree: Path) -> None:
    assert problem(tree, "test_needs_something_else").startswith("fails unbroken: KeyError")
    told = replace(BREAKAGE, environment={**BARE, "SOMETHING": "else"})
    assert problem(tree, "test_needs_something_else", told) == ""


@pytest.mark.parametrize(
    ("breakage", "says"),
    [
        (replace(BREAKAGE, old="3 * number"), "occurs 0 times in src/product.py"),
        (replace(BREAKAGE, old="number"), "occurs 2 times in src/product.py"),
        (replace(BREAKAGE, file="src/other.py"), "there is no src/other.py"),
    ],
)
def test_a_breakage_that_does_not_fit_is_an_error(
    tree: Path, breakage: Breakage, says: str
) -> None:
    with pytest.raises(NotApplicable, match=says):
        broken(tree, breakage)
    assert says in problem(tree, "test_catches", breakage)


def test_bytecode_of_the_unbroken_source_is_not_used(tree: Path) -> None:
    """It would fit: the edit is as long as the text, and the file may be as old."""
    compiled = tree / "src/product.py"
    py_compile.compile(str(compiled), invalidation_mode=UNCHECKED)
    assert problem(tree, "test_catches", replace(BREAKAGE, old="2", new="0")) == ""


def test_trials_share_the_files_that_they_do_not_break(tree: Path) -> None:
    with copied(tree) as pristine:
        tests = ("test_product.py::test_catches", "test_product.py::test_catches_by_raises")
        results = list(trial_results_in(pristine, [replace(BREAKAGE, tests=tests)] * 2))
        assert [result.problem for result in results] == [""] * 4
        assert (pristine / BREAKAGE.file).read_text() == PRODUCT
