"""Whatever stands in a document, decoding ends in findings, never in an exception."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from laneway.adapters.files.yamls import documents
from laneway.model.findings import Finding
from laneway.model.findings import Path as FieldPath
from laneway.schema import Document, decode

EXAMPLES = Path(__file__).parents[2] / "examples"
GOLDEN = Path(__file__).parents[1] / "golden" / "errors"
SOURCES = [
    *EXAMPLES.glob("scenario-1/*.yaml"),
    *EXAMPLES.glob("asm/*.yaml"),
    GOLDEN / "asm-not-honoured" / "input.yaml",
    GOLDEN / "ingress-references" / "input.yaml",
]
VALID = [
    item
    for path in sorted(SOURCES)
    for item in documents(path.name, path.read_text(encoding="utf-8"))
    if isinstance(item, Document)
]
SCALARS = [None, True, 0, -1, 7, 1.5, float("inf"), float("nan"), "", "x", "\0", "{x}", "é" * 70]
TREES: list[Any] = [
    [],
    {},
    [None],
    [[]],
    {"a": None},
    {1: 2},
    {None: {}},
    {"name": {"name": 1}},
    ["a", "a"],
]
values: st.SearchStrategy[Any] = st.sampled_from([*SCALARS, *TREES])


def paths(value: Any, path: FieldPath = ()) -> Iterator[FieldPath]:
    yield path
    if isinstance(value, dict):
        for key, part in value.items():
            yield from paths(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from paths(part, (*path, index))


def replaced(data: Any, path: FieldPath, value: Any) -> Any:
    if not path:
        return value
    data = copy.deepcopy(data)
    at = data
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return data


@st.composite
def mutations(draw: st.DrawFn) -> list[Document]:
    found = list(VALID)
    for _ in range(draw(st.integers(1, 3))):
        index = draw(st.integers(0, len(found) - 1))
        document = found[index]
        path = draw(st.sampled_from(list(paths(document.data))))
        data = replaced(document.data, path, draw(values))
        found[index] = Document(data, document.source, document.line)
    return found


@given(mutations())
def test_decode_never_raises(found: list[Document]) -> None:
    for finding in decode(found)[1]:
        assert isinstance(finding, Finding)
        assert finding.source is not None
        assert finding.message
        assert str(finding)
