"""Which lanes and groups of a cluster are accepted, as ``model.acceptance`` decides. Pure.

In a cluster, nothing that was generated for a held group, or at a gateway that it shares with other
groups, changes until the errors are gone: see ``held_groups``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from laneway.compile.dialect import Refuse
from laneway.model import acceptance
from laneway.model.acceptance import Candidate
from laneway.model.checks import Gaps, check
from laneway.model.findings import Finding, Severity
from laneway.model.lane_lives import Inactive, active, inactive, next_expiry
from laneway.model.meshes import Mesh
from laneway.operator.decoded_manifests import DecodedManifests
from laneway.operator.manifests import Key, Manifest, key_of
from laneway.operator.recorded_baselines import undecided_baselines
from laneway.schema import assemble

GROUP, LANE = "LaneGroup", "Lane"
#: Reasons of a condition Programmed that do not say whether an earlier generation is applied.
FAILED, HELD, INTERNAL_ERROR = "Failed", "Held", "InternalError"
_AFTER_FAILURES = frozenset([FAILED, HELD, INTERNAL_ERROR])


@dataclass(frozen=True)
class Acceptance(acceptance.Acceptance[Key]):
    """``findings`` and ``left_out`` are of lanes and groups alone. ``inactive`` are the accepted
    lanes that do not count and are not in ``mesh``; ``expires`` is when the next one follows."""

    inactive: Mapping[Key, Inactive] = field(default_factory=dict)
    expires: datetime | None = None


def accept(
    declared: Iterable[Manifest],
    context: Iterable[Manifest],
    decoded: DecodedManifests | None = None,
    refuse: Refuse = lambda mesh: (),
    now: datetime | None = None,
) -> Acceptance:
    """``declared`` are lanes and groups, ``context`` services and gateways. ``refuse`` finds the
    groups that the dialect has nothing for."""
    decoded = DecodedManifests() if decoded is None else decoded
    lanes = {key_of(manifest): manifest for manifest in by_age(declared)}
    manifests = {**lanes, **{key_of(manifest): manifest for manifest in context}}

    def judge(keys: Collection[Key]) -> tuple[Mesh, Mapping[Key, Sequence[Finding]]]:
        return _decode([manifests[key] for key in keys], decoded, refuse)

    found = acceptance.accept(
        (candidate(m) if k in lanes else Candidate(k) for k, m in manifests.items()), judge
    )
    decoded.next_pass()
    return Acceptance(
        active(found.mesh, now),
        {key: findings for key, findings in found.findings.items() if key in lanes},
        found.held,
        found.left_out & lanes.keys(),
        _inactive(found.mesh, now),
        None if now is None else next_expiry(found.mesh, now),
    )


def _inactive(mesh: Mesh, now: datetime | None) -> Mapping[Key, Inactive]:
    return {
        Key(LANE, "", lane.name): why
        for lane in mesh.lanes
        if (why := inactive(mesh, lane, now)) is not None
    }


def candidate(manifest: Manifest) -> Candidate[Key]:
    """A lane or a group, as far as acceptance has to know it."""
    key = key_of(manifest)
    return Candidate(key, group_name(manifest), key.kind == GROUP, may_be_applied(manifest))


def group_name(manifest: Manifest) -> str:
    """The lane group that a LaneGroup is, or that a Lane says it belongs to."""
    if manifest["kind"] == GROUP:
        return str(manifest["metadata"]["name"])
    spec = manifest.get("spec")
    return str(spec.get("group", "")) if isinstance(spec, Mapping) else ""


def is_applied(manifest: Manifest) -> bool:
    """Whether some generation of it has been applied, according to its status."""
    return _programmed(manifest).get("status") == "True"


def may_be_applied(manifest: Manifest) -> bool:
    """Whether some generation of it is applied, or was when a later one failed."""
    return is_applied(manifest) or _programmed(manifest).get("reason") in _AFTER_FAILURES


def _programmed(manifest: Manifest) -> Mapping[str, Any]:
    conditions = (manifest.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each.get("type") == "Programmed"), {})


def by_age(declared: Iterable[Manifest]) -> Sequence[Manifest]:
    """A group's first lane, its baseline unless it names one, is the one created first."""

    def age(manifest: Manifest) -> tuple[str, Key]:
        return str(manifest["metadata"].get("creationTimestamp") or ""), key_of(manifest)

    return sorted(declared, key=age)


def _decode(
    manifests: Collection[Manifest], decoded: DecodedManifests, refuse: Refuse
) -> tuple[Mesh, dict[Key, list[Finding]]]:
    """The mesh, and the errors by the object that has them."""
    keys = {str(key_of(manifest)): key_of(manifest) for manifest in manifests}

    def check_here(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
        yield from check(mesh, gaps)
        yield from refuse(mesh)
        yield from undecided_baselines(mesh, manifests, may_be_applied)

    mesh, findings = assemble(map(decoded.of, manifests), check=check_here)
    errors: dict[Key, list[Finding]] = {}
    for finding in findings:
        if finding.severity is Severity.ERROR:
            assert finding.source is not None, "decode fills in the source"
            errors.setdefault(keys[finding.source.file], []).append(finding)
    return mesh, errors
