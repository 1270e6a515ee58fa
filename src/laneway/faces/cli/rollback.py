"""``laneway rollback``: all objects become what they were, as a new revision."""

from __future__ import annotations

from laneway.apiserver.virtual_resources import ROLLBACK
from laneway.faces.cli.proxy_acknowledgements import print_acknowledgements
from laneway.faces.cli.server_requests import Server
from laneway.faces.cli.terminals import output
from laneway.faces.cli.virtual_requests import create
from laneway.faces.cli.whole_change_answers import print_changed_paths, print_objects


def run(server: Server, revision: int, message: str, *, dry_run: bool, seconds: int) -> int:
    console = output()
    spec = {"revision": revision, "message": message}
    status = create(server, ROLLBACK, spec, dry_run=dry_run)
    counts = print_objects(console, status, dry_run=dry_run)
    print_changed_paths(console, status)
    if dry_run or not counts:
        return 0
    return print_acknowledgements(console, server, seconds)
