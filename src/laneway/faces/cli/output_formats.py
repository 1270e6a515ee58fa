"""How commands that list things print them, in each of the formats."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from laneway.faces.cli.list_formats import Format
from laneway.faces.cli.terminals import output

_GAP = "   "


def print_documents(found: Sequence[Mapping[str, Any]], form: Format, *, single: bool) -> None:
    """As JSON or YAML: one document itself, several as a List."""
    from laneway.schema.yaml_text import dump_all

    document: dict[str, Any] = {"apiVersion": "v1", "kind": "List", "items": list(found)}
    if single:
        (document,) = map(dict, found)
    if form is Format.JSON:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print(dump_all([document]), end="")


def print_names(names: Sequence[str]) -> None:
    for name in names:
        print(name)


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table whose columns are as wide as their cells.

    Nothing is cut or folded: where a line is longer than the terminal, the terminal wraps it, and
    other programs read whole names.
    """
    cells = [[_cell(each) for each in row] for row in rows]
    widths = _widths(columns, cells)
    console = output()
    for number, row in enumerate([columns, *cells]):
        padded = (
            text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True)
        )
        line = _GAP.join(padded).rstrip()
        console.print(Text(line, "" if number else "dim"), soft_wrap=True)


def table_width(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    """Of the table that ``print_rows`` prints, in columns of a terminal."""
    widths = _widths(columns, [[_cell(each) for each in row] for row in rows])
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _widths(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return "; ".join(str(value).splitlines())
