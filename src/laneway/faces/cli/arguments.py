"""Reading what the command line names: files into a mesh, and words into names and headers."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

import typer

from laneway.adapters.files import Reading, read
from laneway.faces.cli.findings import print_findings
from laneway.faces.cli.lane_expiry import refusing_expired
from laneway.faces.cli.terminals import errors
from laneway.model.checks import check as check_mesh
from laneway.model.lane_lives import active
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName, find_name, is_header
from laneway.model.suggestions import listing, suggestion
from laneway.schema import Check


def read_files(files: Sequence[str], *, whole: bool = True, check: Check = check_mesh) -> Reading:
    _some(files)
    return read(files, sys.stdin, whole=whole, check=refusing_expired(check) if whole else check)


def _some(files: Sequence[str]) -> None:
    if not files:
        raise typer.BadParameter(
            "say which files declare the mesh: -f FILE (a folder, or - for standard input)"
        )


def read_mesh(files: Sequence[str], *, check: Check = check_mesh) -> Mesh:
    """What counts of the mesh, for commands that are about something else: warnings go to standard
    error."""
    reading = read_files(files, check=check)
    print_findings(errors(), reading.findings)
    return active(reading.mesh)


def read_declared(files: Sequence[str]) -> Mesh:
    """All that is declared, with lanes that do not count: for questions about it. Warnings go to
    standard error."""
    _some(files)
    reading = read(files, sys.stdin, check=check_mesh)
    print_findings(errors(), reading.findings)
    return reading.mesh


def object_name(word: str, known: Iterable[ObjectName], what: str) -> ObjectName:
    """``name`` or ``namespace/name``, of one that exists."""
    names = list(known)
    if found := find_name(word, names):
        return found
    words = [str(each) for each in names]
    fix = suggestion(str(ObjectName.of(word)), words, f"there is: {listing(words) or 'none'}")
    raise typer.BadParameter(f"there is no {what} {word}; {fix}")


def headers(words: Sequence[str]) -> Mapping[str, str]:
    """``name: value`` as curl takes it, each once, and without ``Host``."""
    pairs: dict[str, str] = {}
    for word in words:
        name, colon, value = (part.strip() for part in word.partition(":"))
        if not colon or not is_header(name):
            raise typer.BadParameter(f"{word!r} is not a header; write -H 'name: value'")
        if name.lower() == "host":
            raise typer.BadParameter(f"{name} is the request's host; write --host {value}")
        if name.lower() in map(str.lower, pairs):
            raise typer.BadParameter(f"the header {name} is given twice; keep one of the two")
        pairs[name] = value
    return pairs
