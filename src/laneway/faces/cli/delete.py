"""``laneway delete``: objects go, and no proxy sends requests by them any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import typer

from laneway.faces.cli import object_requests
from laneway.faces.cli.failures import say
from laneway.faces.cli.object_files import file_objects
from laneway.faces.cli.proxy_acknowledgements import known_errors, print_acknowledgements
from laneway.faces.cli.resource_words import (
    ObjectReference,
    declared_references,
    named_references,
)
from laneway.faces.cli.server_requests import Server, ServerError
from laneway.faces.cli.terminals import output


@dataclass(frozen=True, slots=True)
class Deletion:
    """What is to go: objects by words, or those that files declare. ``seconds`` as of ``apply``."""

    words: Sequence[str] = ()
    files: Sequence[str] = ()
    namespace: str = "default"
    selector: str = ""
    every: bool = False
    ignore_missing: bool = False
    dry_run: bool = False
    seconds: int = 60


def run(server: Server, how: Deletion) -> int:
    """1 if one of them was not there, or could not be deleted."""
    console = output()
    mark = " (dry run)" if how.dry_run else ""
    failed = deleted = 0
    known = known_errors(server)
    for reference in _wanted(server, how):
        try:
            object_requests.delete(server, reference, dry_run=how.dry_run)
        except ServerError as error:
            if not error.code:
                raise
            if error.code != 404 or not how.ignore_missing:
                say(str(error))
                failed += 1
            continue
        deleted += 1
        console.print(f"{reference} deleted{mark}", soft_wrap=True)
    code = int(failed > 0)
    if deleted and not how.dry_run:
        code = print_acknowledgements(console, server, how.seconds, known) or code
    return code


def _wanted(server: Server, how: Deletion) -> list[ObjectReference]:
    """Files in reverse order: what was declared last goes first."""
    if how.files:
        if how.words:
            raise typer.BadParameter("name either files or objects")
        return [each.reference for each in reversed(file_objects(how.files))]
    if not (how.selector or how.every):
        return named_references(how.words, how.namespace)
    return [
        ObjectReference(
            each.resource, manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"]
        )
        for each in declared_references(how.words, how.namespace)
        for manifest in object_requests.find(server, each, how.selector)
    ]
