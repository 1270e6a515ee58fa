"""What every benchmark ends with: a table for people, and a JSON file for `bench-compare`.

The file is ``build/bench/NAME.json`` below the working directory, or below the folder that
``LANEWAY_BENCH_RESULTS`` names. ``compare.py`` reads two such folders.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass
class Report:
    """A table of figures. The first ``labels`` columns name a row; the others hold its figures."""

    name: str
    columns: tuple[str, ...]
    title: str = ""
    caption: str = ""
    labels: int = 1
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        self.rows.append(cells)

    def publish(self) -> None:
        """Print the table and write the file."""
        table = Table(title=self.title or None, caption=self.caption or None)
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="left" if number < self.labels else "right")
        for row in self.rows:
            table.add_row(*row)
        # A file or a pipe has no width of its own, and 80 columns would cut the headings.
        console = Console()
        (console if console.is_terminal else Console(width=160)).print(table)
        folder = Path(os.environ.get("LANEWAY_BENCH_RESULTS", "build/bench"))
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self._document(), indent=2, ensure_ascii=False)
        (folder / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")

    def _document(self) -> dict[str, Any]:
        figures = {
            ", ".join(row[: self.labels]): dict(
                zip(self.columns[self.labels :], map(_number, row[self.labels :]), strict=False)
            )
            for row in self.rows
        }
        return {
            "benchmark": self.name,
            "title": self.title,
            "machine": {
                "architecture": platform.machine(),
                "cores": os.cpu_count(),
                "load": round(os.getloadavg()[0], 2),
                "python": platform.python_version(),
            },
            "figures": figures,
        }


def _number(cell: str) -> float | str:
    try:
        return float(cell.replace(",", ""))
    except ValueError:
        return cell
