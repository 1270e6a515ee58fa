"""``laneway apply``, ``diff``: what files declare becomes what the running laneway has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from laneway.faces.cli import object_requests
from laneway.faces.cli.failures import Failed, report, say
from laneway.faces.cli.object_differences import difference, print_difference
from laneway.faces.cli.object_files import FileObject, file_objects
from laneway.faces.cli.proxy_acknowledgements import print_acknowledgements
from laneway.faces.cli.server_requests import Server, ServerError
from laneway.faces.cli.terminals import output
from laneway.model.findings import InvalidInput

MANAGER = "laneway-apply"
_DIFFERENT, _TROUBLE = 1, 2


@dataclass(frozen=True, slots=True)
class Application:
    """How files are applied. ``seconds`` is how long proxies may take to acknowledge."""

    files: Sequence[str]
    namespace: str | None = None
    manager: str = MANAGER
    force: bool = False
    dry_run: bool = False
    seconds: int = 60


def run(server: Server, how: Application) -> int:
    """Every object is tried, in the order of the files; 1 if one is refused."""
    console = output()
    counts: Counter[str] = Counter()
    mark = " (dry run)" if how.dry_run else ""
    for each in file_objects(how.files, how.namespace):
        try:
            before, after = _applied(server, each, how)
        except ServerError as error:
            if not error.code:
                raise
            say(f"{each.source}: {each.reference}: {error}{_advice(error)}")
            counts["refused"] += 1
            continue
        outcome = _outcome(before, after)
        counts[outcome] += 1
        console.print(f"{each.reference} {outcome}{mark}", soft_wrap=True)
    console.print(", ".join(f"{number} {outcome}" for outcome, number in counts.items()) + mark)
    code = int(counts["refused"] > 0)
    if not how.dry_run and (counts["created"] or counts["configured"]):
        code = print_acknowledgements(console, server, how.seconds) or code
    return code


def diff(find_server: Callable[[], Server], how: Application) -> int:
    """As a unified diff. 0 without differences, 1 with some, 2 where it cannot be told."""
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


def _applied(
    server: Server, each: FileObject, how: Application
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any]]:
    """The object before and after. Raises ``ServerError``."""
    before = object_requests.find_or_none(server, each.reference)
    after = object_requests.apply(
        server, each.reference, each.manifest, how.manager, force=how.force, dry_run=how.dry_run
    )
    return before, after


def _outcome(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    if before is None:
        return "created"
    declared = object_requests.declared
    return "unchanged" if declared(before) == declared(after) else "configured"


def _advice(error: ServerError) -> str:
    return "; --force-conflicts takes the fields over" if error.code == 409 else ""


def _difference(
    each: FileObject, before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> Iterator[str]:
    name = str(each.reference)
    yield from difference(before, after, f"live/{name}", f"{each.source.file}/{name}")
