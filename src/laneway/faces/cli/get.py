"""``laneway get``: objects of a running laneway, once or as they change."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from laneway.apiserver.tables import table
from laneway.faces.cli import object_requests, watched_lists
from laneway.faces.cli.change_notices import changes
from laneway.faces.cli.failures import say
from laneway.faces.cli.list_formats import Format
from laneway.faces.cli.output_formats import print_documents, print_names, print_rows
from laneway.faces.cli.resource_words import ObjectReference, references
from laneway.faces.cli.server_requests import Server, ServerError
from laneway.faces.cli.terminals import errors, output

Found = list[tuple[ObjectReference, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Query:
    """``namespace`` "" is every one."""

    words: Sequence[str]
    namespace: str
    selector: str = ""
    form: Format = Format.TABLE


def run(server: Server, query: Query, *, watch: bool = False) -> int:
    """1 if an object is not found. Those that are found are printed."""
    wanted = references(query.words, query.namespace)
    found: Found = []
    missing: list[ServerError] = []
    for each in wanted:
        try:
            found += _found(server, [each], query.selector)
        except ServerError as error:
            if error.code != 404 or len(wanted) == 1:
                raise
            missing.append(error)
    single = len(wanted) == 1 and bool(wanted[0].name)
    if found or not missing:
        _print(found, query, single=single)
    for text in map(str, missing):
        say(text)
    if watch and not missing:
        watches = [partial(object_requests.watch, server, each) for each in wanted]
        watched_lists.watch(
            lambda: _found(server, wanted, query.selector),
            found,
            lambda item: str(item[0]),
            lambda item: item[1],
            lambda changed: _print(list(changed), query, single=len(changed) == 1),
            changes(watches),
        )
    return int(bool(missing))


def _found(server: Server, wanted: Sequence[ObjectReference], selector: str) -> Found:
    return [
        (_reference(each, manifest), manifest)
        for each in wanted
        for manifest in object_requests.find(server, each, selector)
    ]


def _reference(of: ObjectReference, manifest: Mapping[str, Any]) -> ObjectReference:
    metadata = manifest["metadata"]
    return ObjectReference(of.resource, metadata.get("namespace", ""), metadata["name"])


def _print(found: Found, query: Query, *, single: bool) -> None:
    if query.form in (Format.JSON, Format.YAML):
        shown = [object_requests.presentable(manifest) for _, manifest in found]
        print_documents(shown, query.form, single=single)
    elif query.form is Format.NAME:
        print_names([str(reference) for reference, _ in found])
    elif not found:
        errors().print("No objects found.")
    else:
        _print_tables(found, query)


def _print_tables(found: Found, query: Query) -> None:
    groups = itertools.groupby(found, key=lambda item: item[0].resource.qualified)
    tables = [list(group) for _, group in groups]
    for number, group in enumerate(tables):
        if number:
            output().print()
        _print_table(group, query, several=len(tables) > 1)


def _print_table(group: Found, query: Query, *, several: bool) -> None:
    resource = group[0][0].resource
    manifests = [manifest for _, manifest in group]
    made = table(resource, manifests, {}, datetime.now(UTC))
    columns = [each["name"] for each in made["columnDefinitions"]]
    rows = [row["cells"] for row in made["rows"]]
    if several:
        for row, (reference, _) in zip(rows, group, strict=True):
            row[0] = str(reference)
    if query.form is Format.WIDE:
        columns += ["Labels", "Message"]
        for row, manifest in zip(rows, manifests, strict=True):
            row += [_labels(manifest), _message(manifest)]
    if not query.namespace and resource.namespaced:
        columns.insert(0, "Namespace")
        for row, (reference, _) in zip(rows, group, strict=True):
            row.insert(0, reference.namespace)
    print_rows(columns, rows)


def _labels(manifest: Mapping[str, Any]) -> str:
    labels = manifest["metadata"].get("labels") or {}
    return ",".join(f"{key}={value}" for key, value in labels.items())


def _message(manifest: Mapping[str, Any]) -> str:
    """The messages of the conditions that are not true."""
    conditions = (manifest.get("status") or {}).get("conditions") or ()
    wrong = [each for each in conditions if each["status"] != "True"]
    texts = (each.get("message") or each.get("reason", "") for each in wrong)
    return "; ".join(dict.fromkeys(texts))
