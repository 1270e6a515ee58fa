"""``laneway history``: the revisions, and what one of them changed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rich.text import Text

from laneway.apiserver.resources import served
from laneway.apiserver.tables import age
from laneway.control.revisions import ObjectId
from laneway.faces.cli.list_formats import Format
from laneway.faces.cli.object_differences import print_difference
from laneway.faces.cli.output_formats import (
    print_documents,
    print_names,
    print_rows,
    table_width,
)
from laneway.faces.cli.past_objects import differences, objects_at
from laneway.faces.cli.resource_words import ObjectReference, references
from laneway.faces.cli.server_requests import Server
from laneway.faces.cli.terminals import errors, output, print_hanging
from laneway.faces.cli.virtual_requests import revision, revisions

_WATCH_PERIOD = 1.0
#: Objects that a row of the table names; the wide one names all.
_FEW = 2
Revision = Mapping[str, Any]
Change = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """``wanted`` are objects that a revision must have changed one of; empty is any.

    ``limit`` is how many revisions are listed; 0 is all.
    """

    wanted: Sequence[ObjectReference] = ()
    limit: int = 0
    form: Format = Format.TABLE

    @classmethod
    def of(cls, words: Sequence[str], namespace: str, limit: int, form: Format) -> Query:
        """Raises ``typer.BadParameter``."""
        return cls(references(words, namespace) if words else (), limit, form)

    def takes(self, change: Change) -> bool:
        return not self.wanted or any(_is_of(change, each) for each in self.wanted)

    def takes_any(self, found: Revision) -> bool:
        return not self.wanted or any(map(self.takes, found["status"]["changes"]))


def run(server: Server, query: Query, *, watch: bool = False) -> int:
    """The newest first; watched, the newest last, so that what is new follows."""
    newest = next(map(_number, revisions(server)), 0) if watch else 0
    listed = filter(query.takes_any, revisions(server))
    found = list(itertools.islice(listed, query.limit) if query.limit else listed)
    _print(found[::-1] if watch else found, query)
    if watch:
        _watch(server, query, newest)
    return 0


def show(server: Server, number: int, query: Query) -> int:
    """One revision: who made it, when and why, and its diff."""
    found = revision(server, number)
    if query.form in (Format.JSON, Format.YAML):
        print_documents([found], query.form, single=True)
        return 0
    if query.form is Format.NAME:
        print_names([_name(found)])
        return 0
    changed = [each for each in found["status"]["changes"] if query.takes(each)]
    _print_head(found)
    for line in _changes(found, every=True).split(", "):
        output().print(f"{'':12}{line}", soft_wrap=True)
    output().print()
    chosen = set(map(_key, changed))
    names = {key.resource for key in chosen}
    resources = [each for each in served() if each.qualified in names]
    before, after = (
        {k: v for k, v in objects_at(server, resources, at).items() if k in chosen}
        for at in (number - 1, number)
    )
    print_difference(differences(before, after, f"revision {number - 1}", f"revision {number}"))
    return 0


def _is_of(change: Change, reference: ObjectReference) -> bool:
    return (
        change["resource"] == reference.resource.qualified
        and reference.namespace in ("", change.get("namespace", ""))
        and reference.name in ("", change["name"])
    )


def _key(change: Change) -> ObjectId:
    return ObjectId(change["resource"], change.get("namespace", ""), change["name"])


def _print(found: Sequence[Revision], query: Query) -> None:
    if query.form in (Format.JSON, Format.YAML):
        print_documents(found, query.form, single=False)
    elif query.form is Format.NAME:
        print_names([_name(each) for each in found])
    elif not found:
        errors().print("No revisions found.")
    else:
        _print_table(found, wide=query.form is Format.WIDE)


def _print_table(found: Sequence[Revision], *, wide: bool) -> None:
    """On a terminal that is too narrow for it, revision below revision."""
    now = datetime.now(UTC)
    columns = ["Revision", "Time" if wide else "Age", "Author", "Source", "Message", "Changes"]
    rows = []
    for each in found:
        spec, metadata = each["spec"], each["metadata"]
        since = metadata["creationTimestamp"]
        when = since if wide else age(since, now)
        changes = _changes(each, every=wide)
        rows.append(
            [metadata["name"], when, spec["author"], spec["source"], spec["message"], changes]
        )
    console = output()
    if not console.is_terminal or table_width(columns, rows) <= console.width:
        print_rows(columns, rows)
        return
    for number, *who, message, changes in rows:
        mark = Text(f"{number:>6}  ")
        print_hanging(console, mark, Text("  ".join(who), "bold"))
        for line in filter(None, (message, changes)):
            print_hanging(console, Text(" " * len(mark)), Text(line))


def _print_head(found: Revision) -> None:
    spec, since = found["spec"], found["metadata"]["creationTimestamp"]
    facts = {
        "Revision": found["metadata"]["name"],
        "Time": f"{since} ({age(since, datetime.now(UTC))} ago)",
        "Author": spec["author"],
        "Source": spec["source"],
        "Message": spec["message"],
        "Changes": found["status"]["summary"],
    }
    for name, value in facts.items():
        output().print(f"{name + ':':12}{value or '-'}", soft_wrap=True)


def _changes(found: Revision, *, every: bool) -> str:
    """``lane/s2 changed, workload/mocka-v2 created``, shortened unless ``every``."""
    changes = [f"{_short_name(each)} {each['operation']}" for each in found["status"]["changes"]]
    if every or len(changes) <= _FEW:
        return ", ".join(changes)
    return f"{', '.join(changes[:_FEW])} and {len(changes) - _FEW} more"


def _short_name(change: Change) -> str:
    """As other commands take it. Every resource's name is its kind's with an ``s``."""
    singular = change["resource"].partition(".")[0].removesuffix("s")
    return f"{singular}/{change['name']}"


def _name(found: Revision) -> str:
    return f"revision.api.laneway.dev/{found['metadata']['name']}"


def _watch(server: Server, query: Query, after: int) -> None:
    """Until interrupted, prints what is newer than the revision ``after``."""
    while True:
        time.sleep(_WATCH_PERIOD)
        new = [*itertools.takewhile(partial(_is_newer, after), revisions(server))]
        if found := [each for each in new if query.takes_any(each)]:
            _print(found[::-1], query)
        if new:
            after = _number(new[0])


def _is_newer(after: int, found: Revision) -> bool:
    return _number(found) > after


def _number(found: Revision) -> int:
    return int(found["metadata"]["name"])
