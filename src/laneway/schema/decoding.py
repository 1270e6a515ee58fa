"""Decoding: documents -> a mesh, and everything that is wrong with them.

Every document is decoded by itself first: its kind, then its shape. ``model.group_defaults`` makes
a mesh of the objects, and the checks between objects run over it. A document that could not be read
leaves a gap, so that an object which stands there misspelt is not also reported as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from laneway.model.checks import check
from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.existing_objects import ExistingObject
from laneway.model.findings import Finding, ObjectKey, Severity
from laneway.model.group_defaults import mesh_of
from laneway.model.keys import Declared, key_of
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.schema import registry
from laneway.schema.annotations import own_metadata
from laneway.schema.documents import Document
from laneway.schema.existing_objects import existing_object
from laneway.schema.kind import Kind
from laneway.schema.problems import problems
from laneway.schema.templates import instead_of_values

Decoded = tuple[Mesh, tuple[Finding, ...]]
Check = Callable[[Mesh, Gaps], Iterable[Finding]]
MeshOf = Callable[[Sequence[Declared]], Mesh]


def decode(
    documents: Iterable[Document], *, complete: bool = True, check: Check = check
) -> Decoded:
    """The mesh that the documents declare, and all findings in the order of the documents.

    ``complete`` is false when the reader lost some of the input: then nothing is called unknown.
    The mesh holds what could be read; it is whole only if no finding is an error. ``check`` is what
    looks between objects.
    """
    read = (read_alone(document) for outer in documents for document in outer.items())
    return assemble(read, complete=complete, check=check)


@dataclass(frozen=True, slots=True)
class Alone:
    """What one document says by itself. Where it is ``unread``, something may seem missing."""

    document: Document
    kind: Kind | None
    findings: tuple[Finding, ...] = ()
    declared: Declared | None = None
    unread: bool = False
    existing: ExistingObject | None = None


def read_alone(document: Document) -> Alone:
    kind, finding = registry.kind_of(document)
    wrong = instead_of_values([] if finding is None else [finding], document)
    found = [_placed(each, document, kind) for each in wrong]
    if kind is None:
        unread = finding is not None and finding.severity is Severity.ERROR
        existing = None if unread else existing_object(document)
        return Alone(document, None, tuple(found), unread=unread, existing=existing)
    found += [_placed(each, document, kind) for each in own_metadata(document, kind.name)]
    data = _without_nulls(document.data) if kind.nulls else document.data
    try:
        shape = kind.shape.model_validate(data)
    except ValidationError as error:
        wrong = instead_of_values(problems(error, kind.shape), document)
        found += [_placed(each, document, kind) for each in wrong]
        return Alone(document, kind, tuple(found), unread=True)
    declared, findings = kind.build(shape)
    found += [_placed(each, document, kind) for each in findings]
    return Alone(document, kind, tuple(found), declared)


def assemble(
    read: Iterable[Alone],
    *,
    complete: bool = True,
    check: Check = check,
    mesh_of: MeshOf = mesh_of,
) -> Decoded:
    """What ``decode`` gives, of documents that are read already. ``mesh_of`` makes the mesh."""
    reading = _Reading(complete)
    for one in read:
        reading.take(one)
    mesh = replace(mesh_of(reading.declared), existing=tuple(reading.existing))
    for finding in check(mesh, reading.gaps):
        reading.place(finding)
    return mesh, tuple(reading.findings)


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    complete: bool
    unread: set[ObjectKey] = field(default_factory=set)
    left_out: set[ObjectKey] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    declared: list[Declared] = field(default_factory=list)
    existing: list[ExistingObject] = field(default_factory=list)
    origins: dict[ObjectKey, tuple[Document, Kind]] = field(default_factory=dict)

    @property
    def gaps(self) -> Gaps:
        return Gaps(not self.complete, frozenset(self.unread), frozenset(self.left_out))

    def take(self, one: Alone) -> None:
        self.findings += one.findings
        if one.existing is not None:
            self.existing.append(one.existing)
        if one.kind is None:
            self.complete &= not one.unread
        elif one.unread or one.declared is None:
            key = ObjectKey(one.kind.declares.__name__, one.kind.name_of(one.document))
            (self.unread if one.unread else self.left_out).add(key)
        else:
            self._declare(one.declared, one.document, one.kind)

    def _declare(self, declared: Declared, document: Document, kind: Kind) -> None:
        key = key_of(declared)
        if key in self.origins:
            first = self.origins[key][0]
            where = first.place(Finding(Code.DUPLICATE_OBJECT, "", path=("metadata", "name")))
            finding = Finding(
                Code.DUPLICATE_OBJECT,
                f"{key} is declared twice: first at {where.source}",
                "keep one of them, or give this one its own name",
                path=("metadata", "name"),
            )
            self._found(finding, document, kind)
            return
        self.origins[key] = (document, kind)
        self.declared.append(declared)

    def place(self, finding: Finding) -> None:
        """Fill in the document of the object that a check speaks of, in that document's terms."""
        assert finding.subject is not None, f"{finding.code} names no object"
        document, kind = self.origins[finding.subject]
        told = self._with_rule_of_group(finding)
        self._found(replace(told, path=kind.path(finding.path)), document, kind)

    def _with_rule_of_group(self, finding: Finding) -> Finding:
        """A finding about a rule that the lane has from its group says where that is."""
        if finding.path[:2] != ("spec", "ingress") or len(finding.path) < 3:
            return finding
        lane = next((one for one in self.declared if key_of(one) == finding.subject), None)
        if not isinstance(lane, Lane) or lane.ingress:
            return finding
        document, kind = self.origins[ObjectKey("LaneGroup", lane.group)]
        rule = _placed(replace(finding, path=kind.path(finding.path)), document, kind)
        return replace(finding, fix=f"{finding.fix}; the rule is in {rule.subject}, {rule.field}")

    def _found(self, finding: Finding, document: Document, kind: Kind | None) -> None:
        self.findings.append(_placed(finding, document, kind))


def _placed(finding: Finding, document: Document, kind: Kind | None) -> Finding:
    subject = ObjectKey(kind.name, kind.name_of(document)) if kind else document.key
    return document.place(replace(finding, subject=subject))


def _without_nulls(value: object) -> object:
    if isinstance(value, Mapping):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
