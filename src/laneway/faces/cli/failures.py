"""What a command that cannot go on says: findings, or one clear line. Never a traceback.

Unless the fault is laneway's own, or ``LANEWAY_DEBUG`` is set.
"""

from __future__ import annotations

import os


class Failed(Exception):
    """A command did not succeed, for a reason that its message tells whole."""


def report(error: Exception) -> int:
    """Print what the user can act on; returns the exit code. Re-raises anything else."""
    from laneway.adapters.http.server import ServerUnusable
    from laneway.adapters.runner.errors import RunnerError
    from laneway.control.revisions import StoreError
    from laneway.faces.cli.findings import print_findings
    from laneway.faces.cli.terminals import errors
    from laneway.model.findings import InvalidInput

    if os.environ.get("LANEWAY_DEBUG"):
        raise error
    if isinstance(error, InvalidInput):
        print_findings(errors(), error.findings)
    elif isinstance(error, Failed | RunnerError | ServerUnusable | StoreError):
        say(str(error))
    elif isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        say(f"{where}{error.strerror or error}")
    else:
        raise error
    return 1


def say(message: str) -> None:
    from laneway.faces.cli.terminals import errors, fact

    errors().print(fact("error:", "bold red", message), soft_wrap=True)
