"""``docs/reference/python.md``: every public name is documented, and every example runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import laneway

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/reference/python.md").read_text(encoding="utf-8")
EXAMPLES: list[str] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def run(program: str) -> str:
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def example(word: str) -> str:
    (found,) = (each for each in EXAMPLES if word in each)
    return found


@pytest.mark.parametrize("name", laneway.__all__)
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    assert getattr(laneway, name) is not None
    assert re.search(rf"`(laneway\.)?{name}[`(]|laneway\.{name}\b", PAGE), name


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        getattr(laneway, "nonsense")  # noqa: B009


def test_importing_laneway_imports_nothing_else() -> None:
    program = "import sys, laneway; print(*(m for m in sys.modules if m.startswith('laneway')))"
    assert run(program).split() == ["laneway"]


@pytest.mark.slow
def test_reading() -> None:
    assert run(example("error.findings")).splitlines()[-1].startswith("['")


@pytest.mark.slow
def test_compiling() -> None:
    assert "VirtualService" in run(example("laneway.render"))


@pytest.mark.slow
def test_simulating() -> None:
    assert "default/web fix-123 base" in run(example("laneway.simulate"))


@pytest.mark.envoy
def test_running() -> None:
    lines = run(example("embedded.change")).splitlines()
    assert "()" in lines
    assert "True ()" in lines


@pytest.mark.envoy
def test_several_sources() -> None:
    assert "2 Programmed(" in run(example("laneway.Write"))


def test_no_example_is_left_out() -> None:
    assert len(EXAMPLES) == 5
