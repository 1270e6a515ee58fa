"""``laneway describe``: an object for people, with its conditions, their reasons, and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from laneway.apiserver.tables import age
from laneway.faces.cli import object_requests
from laneway.faces.cli.output_formats import print_rows
from laneway.faces.cli.resource_words import references
from laneway.faces.cli.server_requests import Server
from laneway.faces.cli.terminals import output
from laneway.schema.yaml_text import dump_all


def run(server: Server, words: Sequence[str], namespace: str) -> int:
    console = output()
    found = [
        manifest
        for reference in references(words, namespace)
        for manifest in object_requests.find(server, reference)
    ]
    for number, manifest in enumerate(found):
        if number:
            console.print("\n")
        _print(console, manifest)
        _print_events(console, object_requests.events(server, manifest))
    return 0


def _print(console: Console, manifest: Mapping[str, Any]) -> None:
    metadata = manifest["metadata"]
    facts = {
        "Name": metadata["name"],
        "Namespace": metadata.get("namespace"),
        "Kind": f"{manifest['kind']} ({manifest['apiVersion']})",
        "Labels": _pairs(metadata.get("labels")),
        "Annotations": _pairs(metadata.get("annotations")),
        "Age": _age(metadata.get("creationTimestamp")),
        "Managed by": _managers(metadata),
    }
    for name, value in facts.items():
        for number, line in enumerate(value.splitlines() if value else ()):
            head = "" if number else f"{name}:"
            console.print(f"{head:14}{line}", soft_wrap=True)
    for part in ("spec", "data"):
        if manifest.get(part):
            console.print(f"{part.capitalize()}:")
            console.print(_indented(dump_all([manifest[part]])), soft_wrap=True, end="")
    _print_status(console, manifest.get("status") or {})


def _print_status(console: Console, status: Mapping[str, Any]) -> None:
    rest = {
        key: value
        for key, value in status.items()
        if key not in ("conditions", "observedGeneration")
    }
    if rest:
        console.print("Status:")
        console.print(_indented(dump_all([rest])), soft_wrap=True, end="")
    if not status.get("conditions"):
        return
    console.print("Conditions:")
    rows = [
        (
            f"  {each['type']}",
            each["status"],
            each.get("reason", ""),
            _age(each.get("lastTransitionTime")).partition(" ")[0],
            each.get("message"),
        )
        for each in status["conditions"]
    ]
    print_rows(("  Type", "Status", "Reason", "Age", "Message"), rows)


def _print_events(console: Console, events: Sequence[Mapping[str, Any]]) -> None:
    if not events:
        return
    console.print("Events:")
    rows = [
        (
            f"  {each['type']}",
            each["reason"],
            _age(each.get("lastTimestamp")).partition(" ")[0],
            str(each.get("count") or 1),
            each.get("message"),
        )
        for each in events
    ]
    print_rows(("  Type", "Reason", "Age", "Count", "Message"), rows)


def _pairs(values: Mapping[str, str] | None) -> str:
    return "\n".join(f"{key}={value}" for key, value in (values or {}).items())


def _managers(metadata: Mapping[str, Any]) -> str:
    managers = (each.get("manager", "") for each in metadata.get("managedFields") or ())
    return ", ".join(dict.fromkeys(managers))


def _age(since: str | None) -> str:
    return f"{age(since, datetime.now(UTC))} ({since})" if since else ""


def _indented(text: str) -> str:
    return "".join(f"  {line}" for line in text.splitlines(keepends=True))
