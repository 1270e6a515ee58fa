"""Compare two runs of the benchmarks: `make bench-compare OLD=folder NEW=folder`.

Each folder holds the JSON files that a run wrote (``build/bench``). Machines and days differ, so
only ratios of one machine on one day mean anything; the table names both machines' load.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

Results = dict[str, dict[str, Any]]


def read(folder: Path) -> Results:
    """The documents in a folder, by the name of their benchmark; exits where there are none."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    if not documents:
        sys.exit(f"bench-compare: {folder} holds no results; `make bench` writes build/bench")
    return {document["benchmark"]: document for document in documents}


def differences(old: Results, new: Results) -> Iterator[tuple[str, str, str, float, float]]:
    """(benchmark, row, column, old figure, new figure) of every number that both runs have."""
    for name in sorted(old.keys() & new.keys()):
        before, after = old[name]["figures"], new[name]["figures"]
        for row, columns in before.items():
            for column, figure in columns.items():
                other = after.get(row, {}).get(column)
                if isinstance(figure, float) and isinstance(other, float):
                    yield name, row, column, figure, other


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    options = parser.parse_args()
    old, new = read(options.old), read(options.new)
    table = Table("benchmark", "row", "figure", "old", "new", "new / old")
    for name, row, column, before, after in differences(old, new):
        ratio = f"{after / before:.2f}" if before else "-"
        table.add_row(name, row, column, f"{before:g}", f"{after:g}", ratio)
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    console.print(table)
    for label, results in (("old", old), ("new", new)):
        loads = ", ".join(f"{name} {each['machine']['load']}" for name, each in results.items())
        console.print(f"Load average of {label}: {loads}")
    for missing in sorted(old.keys() ^ new.keys()):
        console.print(f"Only in {'old' if missing in old else 'new'}: {missing}")


if __name__ == "__main__":
    main()
