"""The command line: ``laneway``. A thin face: each command reads, calls one use case and prints.

``app`` declares the commands; each has a module of its own, imported when it runs, so that
``laneway --help`` stays quick.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

try:
    from laneway.faces.cli import completion
    from laneway.faces.cli.app import app
    from laneway.faces.cli.colours import without_colour_option
    from laneway.faces.cli.command_sections import SECTIONS
    from laneway.faces.cli.deferred_commands import group_of
    from laneway.faces.cli.failures import report
except KeyboardInterrupt:  # Ctrl-C right after the start
    sys.exit(130)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 well, 1 failed, 2 misused, 130 interrupted."""
    words = without_colour_option(sys.argv[1:] if arguments is None else arguments)
    if completion.is_asked():
        completion.prepare()
    try:
        group_of(app, SECTIONS)(args=words, prog_name=completion.PROGRAM)
    except Exception as error:  # Known ones become a line; a bug keeps its traceback.
        sys.exit(report(error))
