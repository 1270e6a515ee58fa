"""Reading: from the user's paths to a checked mesh, with every finding in the order of the text.

A reader's way through an input: ``sources`` has the texts, ``yamls`` the documents, ``schema`` the
objects and the checks between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TextIO

from laneway.adapters.files.debouncing import Content
from laneway.adapters.files.presentation import presentable
from laneway.adapters.files.sources import Text, texts
from laneway.adapters.files.yamls import documents
from laneway.control.declared import Declaration
from laneway.model.checks import Gaps
from laneway.model.checks import check as check_mesh
from laneway.model.codes import Code
from laneway.model.findings import Finding, InvalidInput, ObjectKey, Severity, Source
from laneway.model.group_defaults import mesh_of
from laneway.model.machine_defaults import machine_mesh_of
from laneway.model.meshes import Mesh
from laneway.model.workloads import Workload
from laneway.schema import Alone, Check, Document, assemble, read_alone

#: After so many errors nothing further is read: nobody reads more of them at once, and to look for
#: what each of a million words might have meant would take minutes.
MAX_ERRORS = 500


@dataclass(frozen=True, slots=True)
class Reading:
    """``findings`` are warnings: with an error there is no reading. ``contents`` are by file.

    ``declarations`` are the objects as the files declare them, and ``documents`` what these were
    read from; in ``mesh``, lanes have what they take from their groups, and there is what is
    assumed on one machine.
    """

    mesh: Mesh
    findings: tuple[Finding, ...]
    declarations: tuple[Declaration, ...] = ()
    documents: tuple[Document, ...] = ()
    contents: Mapping[str, Content] = field(default_factory=dict)


def read(
    paths: Sequence[str],
    stdin: TextIO | None = None,
    *,
    whole: bool = True,
    pipes: bool = True,
    check: Check = check_mesh,
) -> Reading:
    """The mesh that the paths declare: files, folders (their ``*.yaml``, ``*.yml``), and ``-``.

    Raises ``InvalidInput`` with all findings if any is an error. ``whole`` is false where the paths
    may be a part of what there is: then nothing is called unknown. ``pipes`` are read, and waited
    for, if they are named and this is true. ``check`` is what looks between objects.
    """
    found = texts(paths, stdin, pipes=pipes)
    return read_texts(found, named=paths, whole=whole, check=check)


def read_texts(
    found: Iterable[Text | Finding],
    *,
    named: Sequence[str] = (),
    whole: bool = True,
    check: Check = check_mesh,
) -> Reading:
    """``read``, of texts that are there already; ``named`` is what a finding calls them."""
    declared = _Declared()
    for text in found:
        declared.take(text)
    complete = whole and declared.complete
    mesh, decoded = assemble(
        declared.alone,
        complete=complete,
        check=_limited(check),
        mesh_of=machine_mesh_of if whole else mesh_of,
    )
    findings = [*declared.findings, *decoded]
    if declared.errors < MAX_ERRORS <= sum(map(_is_error, decoded)):
        findings.append(_too_many(None))
    objects = any(one.declared is not None for one in declared.alone)
    if not (objects or any(map(_is_error, findings))):
        findings.append(_nothing(named, declared.alone))
    if any(map(_is_error, findings)):
        raise InvalidInput(_told(findings))
    declarations = tuple(filter(None, map(Declaration.read, declared.alone)))
    documents = tuple(one.document for one in declared.alone if one.declared is not None)
    return Reading(mesh, _told(findings), declarations, documents, declared.contents)


@dataclass(slots=True)
class _Declared:
    """What has been read so far. ``findings`` are those of files and YAML."""

    findings: list[Finding] = field(default_factory=list)
    alone: list[Alone] = field(default_factory=list)
    contents: dict[str, Content] = field(default_factory=dict)
    complete: bool = True
    errors: int = 0

    def take(self, text: Text | Finding) -> None:
        if self.errors >= MAX_ERRORS:
            return
        if isinstance(text, Finding):
            self._found(text)
            return
        before, found = len(self.alone), len(self.findings)
        count = self._read(text)
        if not count and len(self.findings) == found:
            self._found(_empty(text))
        objects = frozenset(key for one in self.alone[before:] if (key := _key(one)))
        ended = text.content.endswith("\n")
        self.contents[text.name] = Content(len(text.content), ended, count, objects)

    def _read(self, text: Text) -> int:
        """How many documents there are that hold anything."""
        count = 0
        for item in documents(text.name, text.content):
            if isinstance(item, Finding):
                self._found(item)
            else:
                count += 1
                for document in item.items():
                    one = _located(read_alone(document), text.folder)
                    self.alone.append(one)
                    self.errors += sum(map(_is_error, one.findings))
            if self.errors >= MAX_ERRORS:
                self._found(_too_many(text.name))
                break
        return count

    def _found(self, finding: Finding) -> None:
        self.findings.append(finding)
        if _is_error(finding):
            self.complete = False
            self.errors += 1


def _located(one: Alone, folder: str | None) -> Alone:
    """With the folder of the file, which relative paths of a workload start from."""
    if not isinstance(one.declared, Workload):
        return one
    return replace(one, declared=replace(one.declared, folder=folder))


def _key(one: Alone) -> ObjectKey | None:
    return ObjectKey(one.kind.name, one.kind.name_of(one.document)) if one.kind else None


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR


def _empty(text: Text) -> Finding:
    message = "it is empty" if not text.content.strip() else "it holds only comments"
    source = Source(text.name, None)
    return Finding(Code.EMPTY_FILE, message, severity=Severity.WARNING, source=source)


def _nothing(paths: Sequence[str], others: Sequence[Alone]) -> Finding:
    where = ", ".join(paths) or "no file"
    message = f"nothing is declared in {where}"
    if others:
        message = f"nothing in {where} is of a kind that laneway reads"
    return Finding(Code.NOTHING_DECLARED, message, "declare a LaneGroup, its Lanes and Services")


def _limited(check: Check) -> Check:
    """``check``, which ends at the error of which there are too many."""

    def limited(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
        errors = 0
        for finding in check(mesh, gaps):
            yield finding
            errors += _is_error(finding)
            if errors >= MAX_ERRORS:
                return

    return limited


def _too_many(file: str | None) -> Finding:
    message = f"there are {MAX_ERRORS:,} errors by now: nothing further is read or checked"
    source = None if file is None else Source(file, None)
    return Finding(Code.TOO_MANY_ERRORS, message, "mend these first", source=source)


def _told(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(presentable(finding) for finding in _in_order(list(findings)))


def _in_order(findings: Sequence[Finding]) -> Sequence[Finding]:
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

    return sorted(findings, key=place)
