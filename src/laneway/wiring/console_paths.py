"""Locates the built console: in an installed package, or else in the clone.

A clone also has the program that builds it.
"""

from __future__ import annotations

from pathlib import Path

import laneway


def console_folder() -> Path | None:
    """None if the console was not built."""
    package = Path(laneway.__file__).parent
    for folder in (package / "console", package.parents[1] / "console/dist"):
        if (folder / "index.html").is_file():
            return folder
    return None


def console_builder() -> Path | None:
    """The Python program that builds the console; None where its sources are missing."""
    clone = Path(laneway.__file__).parents[2]
    found = (clone / "console/package.json").is_file()
    program = clone / "build_console.py"
    return program if found and program.is_file() else None
