"""``docs/reference/mutants.md``: what is broken on purpose, and which tests notice."""

from __future__ import annotations

from collections.abc import Iterable

from tests.mutation.trials import ROOT, Breakage

TABLE = ROOT / "docs/reference/mutants.md"

_HEAD = """\
# Breakages that the tests catch

A test that cannot fail shows nothing. `make mutants` breaks laneway on purpose, one edit at a time
in a copy of the sources, and runs the tests that should notice: each must pass unbroken and fail,
by an assertion, when broken. Those marked * are tried by `make test`, too; all of them by
`make nightly`. To add one is to add an entry to `tests/mutation/breakages.py`; this page is
generated from there (`make golden`).

| what is broken | in | what would be lost | noticed by |
|---|---|---|---|
"""


def documented(breakages: Iterable[Breakage]) -> str:
    return _HEAD + "".join(map(_row, breakages))


def _row(breakage: Breakage) -> str:
    tests = "<br>".join(f"`{test.removeprefix('tests/')}`" for test in breakage.tests)
    name = f"{breakage.name} *" if breakage.quick else breakage.name
    return f"| {name} | `{breakage.file}` | {breakage.why} | {tests} |\n"
