"""Every breakage still fits the sources and is documented; the quick ones are tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.mutation.breakages import BREAKAGES
from tests.mutation.run import chosen
from tests.mutation.table import TABLE, documented
from tests.mutation.trials import ROOT, Breakage, broken, copied, trial_results_in

QUICK = chosen(quick=True, names=())


def test_names_are_unique() -> None:
    names = [breakage.name for breakage in BREAKAGES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)
def test_it_fits_the_sources(breakage: Breakage) -> None:
    """As the mutation run would say; here it takes no time."""
    assert broken(ROOT, breakage) != (ROOT / breakage.file).read_text(encoding="utf-8")


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)
def test_its_tests_exist(breakage: Breakage) -> None:
    for test in breakage.tests:
        file, _, function = test.partition("::")
        source = (ROOT / file).read_text(encoding="utf-8")
        stated = f"'{function}'" if file.endswith(".ts") else f"def {function.partition('[')[0]}("
        assert not function or stated in source, test


def test_the_documentation_lists_them(golden: Callable[[Path, str], None]) -> None:
    golden(TABLE, documented(BREAKAGES))


def test_five_are_quick() -> None:
    assert len(QUICK) == 5


@pytest.fixture(scope="module")
def pristine() -> Iterator[Path]:
    with copied(ROOT) as tree:
        yield tree


@pytest.mark.slow
@pytest.mark.parametrize("breakage", QUICK, ids=lambda breakage: breakage.name)
def test_it_is_caught(breakage: Breakage, pristine: Path) -> None:
    results = trial_results_in(pristine, [breakage])
    problems = {result.test: result.problem for result in results}
    assert problems == dict.fromkeys(breakage.tests, "")


def test_a_name_that_no_breakage_has() -> None:
    with pytest.raises(ValueError, match="no breakage is named 'x'"):
        chosen(quick=False, names=["x"])
