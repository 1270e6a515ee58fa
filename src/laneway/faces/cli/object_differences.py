"""Two states of an object as a unified diff of what users declare of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.text import Text

from laneway.faces.cli import object_requests
from laneway.faces.cli.terminals import output
from laneway.schema.yaml_text import dump_all

_STYLES = {"---": "bold", "+++": "bold", "@@": "cyan", "-": "red", "+": "green"}


def difference(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, old: str, new: str
) -> Iterator[str]:
    """Nothing if they declare the same; None is an object that does not exist.

    ``old`` and ``new`` are the names of the two states in the diff's head.
    """
    yield from difflib.unified_diff(_lines(before), _lines(after), old, new, "", "", 3, "")


def print_difference(lines: Iterable[str]) -> None:
    """In colour on a terminal; otherwise as ``patch`` and pagers read it."""
    console = output()
    for line in lines:
        style = next((style for mark, style in _STYLES.items() if line.startswith(mark)), "")
        console.print(Text(line, style), soft_wrap=True)


def _lines(manifest: Mapping[str, Any] | None) -> list[str]:
    shown = object_requests.declared(manifest)
    return dump_all([shown]).splitlines() if shown else []
