"""Commands that go on until their reader has had enough."""

from __future__ import annotations

from collections.abc import Callable

from laneway.faces.cli.lifetimes import INTERRUPTED


def until_interrupted(run: Callable[[], int]) -> int:
    """The command's exit code; 130 after Ctrl-C."""
    try:
        return run()
    except KeyboardInterrupt:
        return INTERRUPTED
