"""Where commands write to: results to standard output, the rest to standard error."""

from __future__ import annotations

import errno
import os
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Where nothing says how wide the reader's screen is.
_WIDTH = 120


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        """Nobody reads any more: what is still printed goes nowhere, and the command may end."""
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, self.file.fileno())
        os.close(devnull)
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def output() -> Console:
    return _console(stderr=False)


def errors() -> Console:
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = _Terminal(stderr=stderr, highlight=False, emoji=False, markup=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH
    return console


def listing(*columns: str, **settings: Any) -> Table:
    """A table without frames; its heads are dim."""
    table = Table(box=None, header_style="dim", padding=(0, 3, 0, 0), **settings)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def fact(mark: str, style: str, text: str) -> Text:
    """A line that starts with a coloured mark."""
    return Text.assemble((mark, style), " ", text)
