"""The objects of a running laneway: lists, single ones, server-side apply, deletion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from laneway.faces.cli.resource_words import ObjectReference
from laneway.faces.cli.server_requests import Server, ServerError, lines, request

Manifest = Mapping[str, Any]
_APPLY = "application/apply-patch+yaml"
_BY_THE_SERVER = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation")


def find(
    server: Server, reference: ObjectReference, selector: str = "", *, revision: int | None = None
) -> list[Manifest]:
    """The object, or all of the list that the label selector takes. Raises ``ServerError``.

    A list may be that of an earlier revision.
    """
    if reference.name:
        return [request(server, "GET", reference.path)]
    query = {"labelSelector": selector} if selector else {}
    if revision is not None:
        query |= {"resourceVersion": str(revision), "resourceVersionMatch": "Exact"}
    document = request(server, "GET", reference.path + (f"?{urlencode(query)}" if query else ""))
    # Items of a list do not say what they are.
    kind = {"apiVersion": reference.resource.kind.api_versions[0]}
    kind["kind"] = reference.resource.kind.name
    return [{**kind, **item} for item in document["items"]]


def watch(server: Server, reference: ObjectReference) -> Iterator[str]:
    """A line for each object that there is, and for each change. Raises ``ServerError``."""
    return lines(server, f"{reference.path}?watch=true")


def find_or_none(server: Server, reference: ObjectReference) -> Manifest | None:
    try:
        (found,) = find(server, reference)
    except ServerError as error:
        if error.code == 404:
            return None
        raise
    return found


def apply(
    server: Server,
    reference: ObjectReference,
    manifest: Manifest,
    manager: str,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> Manifest:
    """The object as the server keeps it, or would keep it. Raises ``ServerError``."""
    query = {"fieldManager": manager, "force": str(force).lower(), "fieldValidation": "Strict"}
    if dry_run:
        query["dryRun"] = "All"
    target = f"{reference.path}?{urlencode(query)}"
    applied: Manifest = request(server, "PATCH", target, manifest, content_type=_APPLY)
    return applied


def delete(server: Server, reference: ObjectReference, *, dry_run: bool = False) -> None:
    """Raises ``ServerError``."""
    request(server, "DELETE", reference.path + ("?dryRun=All" if dry_run else ""))


def declared(manifest: Manifest | None) -> dict[str, Any]:
    """What users declare of an object, without what the server adds."""
    if manifest is None:
        return {}
    shown = {key: value for key, value in manifest.items() if key != "status"}
    shown["metadata"] = {
        key: value for key, value in manifest["metadata"].items() if key not in _BY_THE_SERVER
    }
    return shown


def presentable(manifest: Manifest) -> dict[str, Any]:
    """The object without the record of who owns which field, as kubectl prints it."""
    hidden = ("managedFields",)
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in hidden}
    return {**manifest, "metadata": metadata}
