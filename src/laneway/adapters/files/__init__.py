"""The files adapter: what users declare, from files, folders and standard input.

``read`` is its whole face: a valid mesh with its warnings, or ``InvalidInput`` with everything
that is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from laneway.adapters.files.sources import MAX_BYTES, STDIN, Text, texts
from laneway.adapters.files.yamls import documents
from laneway.model.checks import check as check_mesh
from laneway.model.codes import Code
from laneway.model.findings import Finding, InvalidInput, Severity, Source
from laneway.model.meshes import Mesh
from laneway.schema import Check, Document, decode

__all__ = ["MAX_BYTES", "STDIN", "Reading", "read"]


@dataclass(frozen=True, slots=True)
class Reading:
    """``findings`` are warnings: with an error there is no reading."""

    mesh: Mesh
    findings: tuple[Finding, ...]


def read(
    paths: Sequence[str],
    stdin: TextIO | None = None,
    *,
    whole: bool = True,
    check: Check = check_mesh,
) -> Reading:
    """The mesh that the paths declare: files, folders (their ``*.yaml``, ``*.yml``), and ``-``.

    Raises ``InvalidInput`` with all findings if any is an error. ``whole`` is false where the paths
    may be a part of what there is: then nothing is called unknown. ``check`` is what looks between
    objects.
    """
    declared, problems = _documents(paths, stdin)
    complete = whole and not any(map(_is_error, problems))
    mesh, findings = decode(declared, complete=complete, check=check)
    findings = (*problems, *findings)
    if not declared and not any(map(_is_error, findings)):
        findings = (*findings, _nothing(paths))
    if any(map(_is_error, findings)):
        raise InvalidInput(_in_order(findings))
    return Reading(mesh, _in_order(findings))


def _documents(paths: Sequence[str], stdin: TextIO | None) -> tuple[list[Document], list[Finding]]:
    declared: list[Document] = []
    problems: list[Finding] = []
    for text in texts(paths, stdin):
        if isinstance(text, Finding):
            problems.append(text)
            continue
        before = len(declared), len(problems)
        for item in documents(text.name, text.content):
            if isinstance(item, Finding):
                problems.append(item)
            else:
                declared.append(item)
        if (len(declared), len(problems)) == before:
            problems.append(_empty(text))
    return declared, problems


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR


def _empty(text: Text) -> Finding:
    message = "it is empty" if not text.content.strip() else "it holds only comments"
    source = Source(text.name, None)
    return Finding(Code.EMPTY_FILE, message, severity=Severity.WARNING, source=source)


def _nothing(paths: Sequence[str]) -> Finding:
    message = f"nothing is declared in {', '.join(paths) or 'no file'}"
    return Finding(Code.NOTHING_DECLARED, message, "declare a LaneGroup, its Lanes and Services")


def _in_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """By file as given, then by document and line; what has no place comes last."""
    files: dict[str, int] = {}
    for finding in findings:
        if finding.source:
            files.setdefault(finding.source.file, len(files))

    def place(finding: Finding) -> tuple[int, int, int]:
        source = finding.source
        if source is None:
            return len(files), 0, 0
        return files[source.file], source.document or 0, source.line or 0

    return tuple(sorted(findings, key=place))
