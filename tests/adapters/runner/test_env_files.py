"""Files of variables."""

from __future__ import annotations

import pytest

from laneway.adapters.runner.env_files import InvalidLine, parse

LINES = {
    "A=1": "1",
    "export A=1": "1",
    "A = 1 ": "1",
    "A=": "",
    "A='x # y'": "x # y",
    'A="x y" # said': "x y",
    "A=x # said": "x",
    "A=x#y": "x#y",
    "A=$(PORT)": "$(PORT)",
    "A=b=c": "b=c",
    "\ufeffA=1": "1",
    "# said\n\nA=1\nA=2": "2",
}


@pytest.mark.parametrize("text", LINES)
def test_a_line_sets_a_variable(text: str) -> None:
    assert parse(text) == {"A": LINES[text]}


@pytest.mark.parametrize("line", ["A", "=1", "1A=1", "A B=1", "A=\0"])
def test_any_other_line_is_an_error_that_names_it(line: str) -> None:
    with pytest.raises(InvalidLine, match="line 2: "):
        parse(f"# first\n{line}\n")
