"""Programs that a command runs for its user, on the user's terminal."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run_in_foreground(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> int:
    """Its exit code, as a shell tells it: 128 and more for one that a signal ended. Raises
    ``OSError`` where it cannot be started."""
    code = subprocess.call(command, env=environment, cwd=folder)
    return code if code >= 0 else 128 - code
