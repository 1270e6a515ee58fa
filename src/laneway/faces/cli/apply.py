"""``laneway apply``, ``diff``: what files declare becomes what the running laneway has.

``serve`` and ``up`` take it as a change set, whole or not at all. So does a cluster whose operator
serves change sets, for lanes and lane groups, but it writes object by object. Elsewhere the client
does the same: each object is tried first, and then they are applied one by one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import typer
from rich.console import Console

from laneway.apiserver.virtual_resources import CHANGE_SET
from laneway.apiserver.whole_writes import FIELD_CONFLICT
from laneway.faces.cli import object_requests
from laneway.faces.cli.failures import Failed, report, say
from laneway.faces.cli.object_differences import difference, print_difference
from laneway.faces.cli.object_files import FileObject, file_objects
from laneway.faces.cli.proxy_acknowledgements import print_acknowledgements
from laneway.faces.cli.server_requests import NotServed, Server, ServerError
from laneway.faces.cli.terminals import errors, output
from laneway.faces.cli.virtual_requests import create
from laneway.faces.cli.whole_change_answers import (
    print_changed_paths,
    print_objects,
    print_operation,
    print_summary,
)
from laneway.model.findings import InvalidInput

MANAGER = "laneway-apply"
_DIFFERENT, _TROUBLE = 1, 2
_FORCE = "; --force-conflicts takes over what others own"
_PLACE = re.compile(r"spec\.objects\[(?P<index>\d+)\]\.?(?P<field>.*)")


@dataclass(frozen=True, slots=True)
class Application:
    """How files are applied. ``seconds`` is how long proxies may take to acknowledge."""

    files: Sequence[str]
    namespace: str | None = None
    manager: str = MANAGER
    force: bool = False
    dry_run: bool = False
    seconds: int = 60
    prune: bool = False
    message: str = ""


def run(server: Server, how: Application) -> int:
    if how.prune and how.manager == MANAGER:
        raise typer.BadParameter(
            "--prune deletes what a source applied before and the files lack: name the source by "
            "--field-manager, which all applications without a name share otherwise"
        )
    console = output()
    objects = file_objects(how.files, how.namespace)
    try:
        counts = _whole(console, server, objects, how)
    except NotServed as error:
        if how.prune:
            raise Failed(f"--prune: {error}; delete by name what the files lack") from error
        errors().print(
            f"Objects are applied one by one, in the order of the files: {error}.", soft_wrap=True
        )
        counts = _one_by_one(console, server, objects, how)
    if counts is None:
        return 1
    written = counts["created"] + counts["configured"] + counts["deleted"]
    code = int(counts["refused"] > 0)
    if written and not how.dry_run:
        code = print_acknowledgements(console, server, how.seconds) or code
    return code


def diff(find_server: Callable[[], Server], how: Application) -> int:
    """Prints a unified diff. Returns 0 without differences, 1 with some, 2 after an error."""
    trial = replace(how, dry_run=True)
    try:
        server = find_server()
        lines = [
            line
            for each in file_objects(how.files, how.namespace)
            for line in _difference(each, *_applied(server, each, trial))
        ]
    except (Failed, InvalidInput) as error:
        report(error)
        return _TROUBLE
    print_difference(lines)
    return _DIFFERENT if lines else 0


def _whole(
    console: Console, server: Server, objects: Sequence[FileObject], how: Application
) -> Counter[str] | None:
    """How many objects were created and so on; None if the whole was refused."""
    spec = {
        "source": how.manager,
        "objects": [_placed(each) for each in objects],
        "prune": how.prune,
        "force": how.force,
        "message": how.message,
    }
    try:
        status = create(server, CHANGE_SET, spec, dry_run=how.dry_run)
    except NotServed:
        raise
    except ServerError as error:
        if not (causes := (error.document.get("details") or {}).get("causes")):
            raise
        for cause in causes:
            say(_told(cause, objects))
        errors().print("Nothing was changed.")
        return None
    counts = print_objects(console, status, dry_run=how.dry_run)
    print_changed_paths(console, status)
    return counts


def _placed(each: FileObject) -> Mapping[str, Any]:
    """The object, which names its namespace."""
    if not each.reference.namespace:
        return each.manifest
    metadata = {**each.manifest["metadata"], "namespace": each.reference.namespace}
    return {**each.manifest, "metadata": metadata}


def _told(cause: Mapping[str, str], objects: Sequence[FileObject]) -> str:
    """The file, the field, what is wrong and what would be right."""
    place = _PLACE.fullmatch(cause["field"])
    if place is None:
        return cause["message"]
    parts = [str(objects[int(place["index"])].source), place["field"], cause["message"]]
    advice = _FORCE if cause["reason"] == FIELD_CONFLICT else ""
    return ": ".join(filter(None, parts)) + advice


def _one_by_one(
    console: Console, server: Server, objects: Sequence[FileObject], how: Application
) -> Counter[str] | None:
    """As ``_whole``. Nothing is written if the server would refuse one of the objects."""
    trial = replace(how, dry_run=True)
    tried = [_tried(server, each, trial) for each in objects]
    if None in tried:
        errors().print("Nothing was changed.")
        return None
    counts: Counter[str] = Counter()
    for each, outcome in zip(objects, tried, strict=True):
        if not how.dry_run:
            outcome = _tried(server, each, how)
        counts[outcome or "refused"] += 1
        if outcome:
            print_operation(console, each.reference, outcome, dry_run=how.dry_run)
    print_summary(console, counts, dry_run=how.dry_run)
    return counts


def _tried(server: Server, each: FileObject, how: Application) -> str | None:
    """What became of the object; None if it is refused, after saying why."""
    try:
        before, after = _applied(server, each, how)
    except ServerError as error:
        if not error.code:
            raise
        advice = _FORCE if error.code == 409 else ""
        say(f"{each.source}: {each.reference}: {error}{advice}")
        return None
    if before is None:
        return "created"
    declared = object_requests.declared
    return "unchanged" if declared(before) == declared(after) else "configured"


def _applied(
    server: Server, each: FileObject, how: Application
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any]]:
    """The object before and after. Raises ``ServerError``."""
    before = object_requests.find_or_none(server, each.reference)
    after = object_requests.apply(
        server, each.reference, each.manifest, how.manager, force=how.force, dry_run=how.dry_run
    )
    return before, after


def _difference(
    each: FileObject, before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> Iterator[str]:
    name = str(each.reference)
    yield from difference(before, after, f"live/{name}", f"{each.source.file}/{name}")
