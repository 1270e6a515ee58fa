"""Names of the running laneway's objects, for a shell that completes a word.

A shell that waits for a server is worse than one that completes nothing: whatever goes wrong, there
are no names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import typer

Complete = Callable[[typer.Context, str], list[str]]
_PATIENCE = 1.0


def lanes(context: typer.Context, incomplete: str) -> list[str]:
    return _names(context, ["lanes"], incomplete)


def groups(context: typer.Context, incomplete: str) -> list[str]:
    return _names(context, ["lanegroups"], incomplete)


def workloads(context: typer.Context, incomplete: str) -> list[str]:
    return _names(context, ["workloads"], incomplete)


def objects(context: typer.Context, incomplete: str) -> list[str]:
    """``RESOURCE``, ``RESOURCE NAME...`` and ``RESOURCE/NAME``."""
    words = [str(each) for each in context.params.get("words") or ()]
    resource, slash, _ = incomplete.partition("/")
    if words and "/" not in words[0]:
        return _names(context, [words[0]], incomplete)
    if slash:
        return [f"{resource}/{each}" for each in _names(context, [resource], incomplete, slash)]
    from laneway.apiserver.resources import served

    return [each.plural for each in served() if each.plural.startswith(incomplete)]


def _names(context: typer.Context, words: list[str], incomplete: str, slash: str = "") -> list[str]:
    start = incomplete.partition(slash)[2] if slash else incomplete
    try:
        return [each for each in _found(context, words) if each.startswith(start)]
    except Exception:
        return []


def _found(context: typer.Context, words: list[str]) -> Iterator[str]:
    from laneway.faces.cli.resource_words import references
    from laneway.faces.cli.server_commands import running_server
    from laneway.faces.cli.server_requests import request

    server = running_server(context.params.get("data"), context.params.get("context"))
    namespace = context.params.get("namespace") or "default"
    for each in references(words, str(namespace)):
        for item in request(server, "GET", each.path, patience=_PATIENCE)["items"]:
            yield str(item["metadata"]["name"])
