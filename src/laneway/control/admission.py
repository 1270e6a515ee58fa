"""Admission: whether a lane or group may be written as it is. Pure; the webhook's decision.

The operator itself takes everything and says in its status what it does not accept, since objects
come in any order and one bad object must not stop the others. So only that is refused here which
no order makes right:

- what is wrong with the object by itself;
- an object, when it is created, that contradicts what is there.

Who names something that may still come (a group, a service, a lane) is warned. So is who *changes*
an object so that it contradicts another: that may be the first half of a change of both, and what
was valid last stays in force until the second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from laneway.control.acceptance import by_age
from laneway.control.manifests import Key, Manifest, key_of
from laneway.control.readings import plain
from laneway.model.codes import Code
from laneway.model.findings import Finding, Severity, Source
from laneway.schema import Document, decode

#: What the next object may make right.
MAY_COME = frozenset(
    {
        Code.GROUP_WITHOUT_LANES,
        Code.UNKNOWN_BASELINE,
        Code.UNKNOWN_FALLBACK,
        Code.UNKNOWN_GATEWAY,
        Code.UNKNOWN_GROUP,
        Code.UNKNOWN_SERVICE,
    }
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``declared`` are lanes and groups, ``context`` services and gateways, as they stand."""

    declared: Collection[Manifest]
    context: Collection[Manifest]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Refused if there is a denial. Findings about other objects say whose they are."""

    denials: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


def judge(candidate: Manifest, before: Manifest | None, around: Surroundings | None) -> Verdict:
    """``before`` is what the candidate replaces; without surroundings it is judged by itself.

    Who leaves the spec alone may write what he likes: labels, or a finalizer's removal.
    """
    if before is not None and before.get("spec") == candidate.get("spec"):
        return Verdict()
    alone = [finding for _, finding in _findings([candidate], complete=False)]
    if wrong := tuple(filter(_is_error, alone)):
        return Verdict(wrong, tuple(f for f in alone if not _is_error(f)))
    if around is None:
        return Verdict((), tuple(alone))
    key = key_of(candidate)
    standing = by_age(around.declared)
    found = list(_findings([*_with(standing, candidate), *around.context]))
    mine = [finding for whose, finding in found if whose == key]
    denials = [f for f in mine if _is_error(f) and before is None and f.code not in MAY_COME]
    warnings = [f for f in mine if f not in denials]
    known = {_identity(*each) for each in _findings([*standing, *around.context])}
    declared = {key_of(manifest) for manifest in standing} - {key}
    warnings += [
        finding
        for whose, finding in found
        if whose in declared and _is_error(finding) and _identity(whose, finding) not in known
    ]
    return Verdict(tuple(denials), tuple(warnings))


def _with(standing: Iterable[Manifest], candidate: Manifest) -> Iterator[Manifest]:
    """In the place of what it replaces, else the youngest: the first lane may be the baseline."""
    key, placed = key_of(candidate), False
    for manifest in standing:
        is_it = key_of(manifest) == key
        placed |= is_it
        yield candidate if is_it else manifest
    if not placed:
        yield candidate


def _findings(
    manifests: Iterable[Manifest], *, complete: bool = True
) -> Iterator[tuple[Key, Finding]]:
    keys = {str(key_of(manifest)): (key_of(manifest), manifest) for manifest in manifests}
    documents = [
        Document(plain(manifest), Source(name, None)) for name, (_, manifest) in keys.items()
    ]
    for finding in decode(documents, complete=complete)[1]:
        assert finding.source is not None, "decode fills in the source"
        yield keys[finding.source.file][0], finding


def _identity(key: Key, finding: Finding) -> tuple[object, ...]:
    return key, finding.code, finding.path


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR
