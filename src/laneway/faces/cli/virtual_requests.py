"""Requests to ``api.laneway.dev``: kinds that are created and answered at once, and the history.

``laneway serve`` and ``laneway up`` answer them. A cluster answers some, if its operator serves
them; ``NotServed`` is raised for the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from laneway.apiserver.cluster_change_sets import NOT_WRITTEN_HERE
from laneway.apiserver.virtual_resources import REVISION, VirtualResource
from laneway.faces.cli.progress import progress
from laneway.faces.cli.server_requests import NotServed, Server, ServerError, request
from laneway.faces.cli.terminals import errors, fact

Document = Mapping[str, Any]
_QUOTED = re.compile(r'\d{3} \S+ "((?:[^"\\]|\\.)*)"')
#: Changes wait for processes that start, and for proxies that acknowledge.
_PATIENCE = 660


def create(
    server: Server, resource: VirtualResource, spec: Mapping[str, Any], *, dry_run: bool = False
) -> Document:
    """The ``status`` of the answer; its warnings go to standard error. Raises ``ServerError``."""
    kind = resource.kind
    body = {"apiVersion": kind.api_versions[0], "kind": kind.name, "metadata": {}, "spec": spec}
    path = _path(resource, {"dryRun": "All"} if dry_run else {})
    warnings: list[str] = []
    try:
        with progress(f"Waiting for the answer to the {kind.name}"):
            answer = request(
                server, "POST", path, body, patience=_PATIENCE, on_warning=warnings.append
            )
    except ServerError as error:
        for cause in (error.document.get("details") or {}).get("causes") or ():
            if cause.get("reason") == NOT_WRITTEN_HERE:
                raise NotServed(cause["message"]) from error
        raise
    for header in warnings:
        _print_warning(header)
    status: Document = answer["status"]
    return status


def revisions(server: Server) -> Iterator[Document]:
    """The newest first. Raises ``ServerError``."""
    after = ""
    while True:
        query = {"limit": "200", **({"continue": after} if after else {})}
        listed = request(server, "GET", _path(REVISION, query))
        yield from listed["items"]
        after = listed["metadata"].get("continue", "")
        if not after:
            return


def revision(server: Server, number: int) -> Document:
    """With what each field was and became. Raises ``ServerError``."""
    try:
        found: Document = request(server, "GET", f"{_path(REVISION, {})}/{number}")
    except ServerError as error:
        if error.code == 404 and error.document.get("details"):
            message = f"there is no revision {number} in the history; `laneway history` lists it"
            raise ServerError(message, 404, error.document) from error
        raise
    return found


def _path(resource: VirtualResource, query: Mapping[str, str]) -> str:
    path = f"/apis/{resource.kind.api_versions[0]}/{resource.plural}"
    return f"{path}?{urlencode(query)}" if query else path


def _print_warning(header: str) -> None:
    for text in _QUOTED.findall(header):
        plain = re.sub(r"\\(.)", r"\1", text)
        errors().print(fact("warning:", "bold yellow", plain), soft_wrap=True)
