"""Where commands write to: results to standard output, the rest to standard error."""

from __future__ import annotations

import errno
import os
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from laneway.faces.cli.colours import are_colours_off

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
    console = _Terminal(
        stderr=stderr,
        highlight=False,
        emoji=False,
        markup=False,
        color_system=None if are_colours_off() else "auto",
    )
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH
    return console


def listing(*columns: str, **settings: Any) -> Table:
    """A table without frames; its heads are dim."""
    table = Table(box=None, header_style="dim", padding=(0, 3, 0, 0), **settings)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_hanging(console: Console, mark: Text, text: Text) -> None:
    """A mark and, to its right, the text in lines that end between words.

    Where a word is longer than a line, the terminal wraps: a name is never cut or hyphenated, and
    what is copied from the screen is whole.
    """
    too_long = mark.cell_len + longest_word(text.plain) > console.width
    if too_long or not mark:
        console.print(mark + text, soft_wrap=too_long)
        return
    grid = Table.grid()
    grid.add_column(no_wrap=True)
    grid.add_column()
    grid.add_row(mark, text)
    console.print(grid)


def longest_word(text: str) -> int:
    """In columns of a terminal."""
    return max(map(cell_len, text.split()), default=0)


def fact(mark: str, style: str, text: str) -> Text:
    """A line that starts with a coloured mark."""
    return Text.assemble((mark, style), " ", text)
