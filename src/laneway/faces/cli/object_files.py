"""The objects that files name, for commands that hand them to a running laneway.

The server checks objects; here only what is no object of a served kind is refused.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from laneway.adapters.files.sources import texts
from laneway.adapters.files.yamls import documents
from laneway.faces.cli.failures import Failed
from laneway.faces.cli.resource_words import ObjectReference, resource_of
from laneway.model.findings import Finding, InvalidInput, Severity, Source
from laneway.model.names import DEFAULT_NAMESPACE
from laneway.schema import Document


@dataclass(frozen=True, slots=True)
class FileObject:
    reference: ObjectReference
    manifest: Mapping[str, Any]
    source: Source


def file_objects(paths: Sequence[str], namespace: str | None = None) -> list[FileObject]:
    """In the order of the files. ``namespace`` is of objects that name none.

    Raises ``InvalidInput`` and ``Failed``, ``typer.BadParameter`` where no file is named.
    """
    if not paths:
        raise typer.BadParameter("say which files: -f FILE (a folder, or - for standard input)")
    found = [
        _file_object(document, folder, namespace)
        for each, folder in _documents(paths)
        for document in each.items()
    ]
    if not found:
        raise Failed(f"nothing is declared in {', '.join(paths)}")
    return found


def _documents(paths: Sequence[str]) -> Iterator[tuple[Document, str | None]]:
    """Each with the folder of its file."""
    problems: list[Finding] = []
    read: list[tuple[Document, str | None]] = []
    for text in texts(paths, sys.stdin):
        if isinstance(text, Finding):
            problems.append(text)
            continue
        for item in documents(text.name, text.content):
            if isinstance(item, Finding):
                problems.append(item)
            else:
                read.append((item, text.folder))
    if any(each.severity is Severity.ERROR for each in problems):
        raise InvalidInput(problems)
    yield from read


def _file_object(document: Document, folder: str | None, namespace: str | None) -> FileObject:
    data, source = document.data, document.source
    if not isinstance(data, Mapping):
        raise Failed(f"{source}: expected an object with apiVersion, kind and metadata")
    kind, version = document.get("kind"), document.get("apiVersion")
    resource = resource_of(str(kind), str(version))
    if resource is None:
        raise Failed(f"{source}: kind {kind!r} of {version!r} is not served by laneway")
    name, where = document.get("metadata", "name"), document.get("metadata", "namespace")
    if not isinstance(name, str) or not name:
        raise Failed(f"{source}: {kind}: metadata.name: expected a name")
    if not resource.namespaced:
        return FileObject(ObjectReference(resource, "", name, str(version)), data, source)
    if where is not None and not isinstance(where, str):
        raise Failed(f"{source}: {kind} {name}: metadata.namespace: expected a name")
    if namespace and where and where != namespace:
        raise Failed(f"{source}: {kind} {name}: metadata.namespace is {where}, not {namespace}")
    if kind == "Workload" and folder is not None:
        data = _located(data, folder)
    where = where or namespace or DEFAULT_NAMESPACE
    reference = ObjectReference(resource, where, name, str(version))
    return FileObject(reference, data, source)


def _located(manifest: Mapping[str, Any], folder: str) -> Mapping[str, Any]:
    """A workload whose paths start from its file's folder, which the server does not know."""
    spec = manifest.get("spec")
    if not isinstance(spec, Mapping) or "command" not in spec:
        return manifest
    paths = {"workingDir": spec.get("workingDir", "")}
    if "envFile" in spec:
        paths["envFile"] = spec["envFile"]
    # What is no text, the server refuses.
    located: dict[str, Any] = {
        name: _absolute(folder, path) for name, path in paths.items() if isinstance(path, str)
    }
    watched = spec.get("watch")
    if isinstance(watched, list) and all(isinstance(path, str) for path in watched):
        located["watch"] = [_absolute(folder, path) if path else path for path in watched]
    return {**manifest, "spec": {**spec, **located}}


def _absolute(folder: str, path: str) -> str:
    return os.path.normpath(os.path.join(folder, path))
