"""Locates the built console: in an installed package, or else in the clone."""

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
