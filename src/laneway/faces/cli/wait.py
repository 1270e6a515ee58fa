"""``laneway wait``: until objects have a condition, or are gone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer

from laneway.faces.cli import object_requests
from laneway.faces.cli.failures import say
from laneway.faces.cli.progress import progress
from laneway.faces.cli.resource_words import ObjectReference, references
from laneway.faces.cli.server_requests import Server
from laneway.faces.cli.terminals import output

_PERIOD = 0.25
_DURATION = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
Holds = Callable[[Mapping[str, Any] | None], bool]


def run(server: Server, words: Sequence[str], namespace: str, what: str, timeout: str) -> int:
    """0 once it holds for all, 1 if it does not in time."""
    holds, met = _condition(what)
    seconds = duration(timeout)
    until = time.monotonic() + seconds
    code = 0
    for reference in _wanted(server, words, namespace, gone=what == "delete"):
        with progress(f"Waiting for {reference}: {what}"):
            met_in_time = _until(server, reference, holds, until)
        if met_in_time:
            output().print(f"{reference} {met}", soft_wrap=True)
        else:
            say(f"{reference}: {what} did not come about in {seconds:g} s{_why(server, reference)}")
            code = 1
    return code


def duration(text: str) -> float:
    """Seconds: ``30s``, ``2m``, ``500ms``; a plain number is seconds."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"--timeout: `{text}` is no duration, such as 30s or 2m")
    return float(match["number"]) * _SECONDS[match["unit"] or "s"]


def _wanted(
    server: Server, words: Sequence[str], namespace: str, *, gone: bool
) -> list[ObjectReference]:
    found = []
    for each in references(words, namespace):
        if each.name:
            found.append(each)
            continue
        for manifest in object_requests.find(server, each):
            metadata = manifest["metadata"]
            where = metadata.get("namespace", "")
            found.append(ObjectReference(each.resource, where, metadata["name"]))
    if not found and not gone:
        raise typer.BadParameter(f"{' '.join(words)}: there are none to wait for")
    return found


def _condition(what: str) -> tuple[Holds, str]:
    if what == "delete":
        return (lambda manifest: manifest is None), "deleted"
    name, equals, value = what.removeprefix("condition=").partition("=")
    if not what.startswith("condition=") or not name:
        raise typer.BadParameter(f"--for: `{what}` is neither condition=NAME[=STATUS] nor delete")
    wanted = value if equals else "True"

    def holds(manifest: Mapping[str, Any] | None) -> bool:
        """The status must speak of the object as it is now."""
        status = (manifest or {}).get("status") or {}
        if manifest is None or status.get("observedGeneration") != manifest["metadata"].get(
            "generation"
        ):
            return False
        return any(
            each["type"].lower() == name.lower() and each["status"].lower() == wanted.lower()
            for each in status.get("conditions") or ()
        )

    return holds, "condition met"


def _until(server: Server, reference: ObjectReference, holds: Holds, until: float) -> bool:
    while not holds(object_requests.find_or_none(server, reference)):
        if time.monotonic() >= until:
            return False
        time.sleep(_PERIOD)
    return True


def _why(server: Server, reference: ObjectReference) -> str:
    manifest = object_requests.find_or_none(server, reference)
    if manifest is None:
        return ": it does not exist"
    conditions = (manifest.get("status") or {}).get("conditions") or ()
    texts = [
        f"{each['type']} is {each['status']} ({each.get('message') or each.get('reason', '')})"
        for each in conditions
        if each["status"] != "True"
    ]
    return f": {'; '.join(texts)}" if texts else ""
