"""A word about what takes long: on a terminal's standard error alone, so that pipes stay clean."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.status import Status

from laneway.faces.cli.terminals import errors

#: Seconds without an answer until users wonder.
_PATIENCE = 1.0


@contextmanager
def progress(text: str, after: float = _PATIENCE) -> Iterator[None]:
    """Shown while the block runs, if it runs for longer than ``after`` seconds; gone afterwards."""
    console = errors()
    if not console.is_terminal:
        yield
        return
    status = Status(text, console=console)
    timer = threading.Timer(after, status.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # else it might start after it was stopped
        status.stop()
