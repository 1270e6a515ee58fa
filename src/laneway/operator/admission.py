"""The webhook's decision: whether a lane or group may be written as it is. Pure.

The operator itself accepts every object and reports errors in its status, because objects arrive in
any order and one bad object must not stop the others. So the webhook denies only what no later
write could make valid:

- an object that is invalid by itself;
- a new object that contradicts existing ones.

References to something that may still be created (a group, a service, a lane) only cause a warning.
So does an *update* that contradicts another object: it may be the first half of a change of both,
and the last valid state stays active until the second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from laneway.model.checks import Gaps, check
from laneway.model.checks.lane_lives import expired
from laneway.model.codes import Code
from laneway.model.findings import Finding, Severity, Source
from laneway.model.meshes import Mesh
from laneway.operator.acceptance import by_age
from laneway.operator.decoded_manifests import plain
from laneway.operator.manifests import Key, Manifest, key_of
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


def judge(
    candidate: Manifest,
    before: Manifest | None,
    around: Surroundings | None,
    now: datetime | None = None,
) -> Verdict:
    """``before`` is what the candidate replaces; without surroundings it is judged by itself. A
    lane that has expired at ``now`` is denied: to apply it again is no way to renew it.

    Updates that leave ``spec`` unchanged (labels, finalizers) are always allowed.
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
    found = list(_findings([*_with(standing, candidate), *around.context], now=now))
    mine = [finding for whose, finding in found if whose == key]
    denials = [
        f
        for f in mine
        if _is_error(f)
        and (f.code == Code.LANE_EXPIRED or (before is None and f.code not in MAY_COME))
    ]
    warnings = [f for f in mine if f not in denials]
    known = {_identity(*each) for each in _findings([*standing, *around.context], now=now)}
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
    manifests: Iterable[Manifest], *, complete: bool = True, now: datetime | None = None
) -> Iterator[tuple[Key, Finding]]:
    keys = {str(key_of(manifest)): (key_of(manifest), manifest) for manifest in manifests}
    documents = [
        Document(plain(manifest), Source(name, None)) for name, (_, manifest) in keys.items()
    ]

    def check_now(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
        yield from check(mesh, gaps)
        if now is not None:
            yield from expired(mesh, now)

    for finding in decode(documents, complete=complete, check=check_now)[1]:
        assert finding.source is not None, "decode fills in the source"
        yield keys[finding.source.file][0], finding


def _identity(key: Key, finding: Finding) -> tuple[object, ...]:
    return key, finding.code, finding.path


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR
