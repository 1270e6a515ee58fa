"""Which declared objects of a cluster are valid, and what is wrong with the others. Pure.

One bad object must not stop the others. A lane or group with errors that was never applied is left
out. If it was applied before, applications rely on its last valid state: its whole group is *held*,
and nothing that was generated for the group, or at a gateway that it shares with other groups,
changes until the errors are gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from laneway.model.findings import Finding, Severity
from laneway.model.meshes import Mesh
from laneway.operator.decoded_manifests import DecodedManifests
from laneway.operator.manifests import Key, Manifest, key_of
from laneway.schema import assemble

GROUP, LANE = "LaneGroup", "Lane"
#: Reasons of a condition Programmed that do not say whether an earlier generation is applied.
FAILED, HELD, INTERNAL_ERROR = "Failed", "Held", "InternalError"
_AFTER_FAILURES = frozenset([FAILED, HELD, INTERNAL_ERROR])


@dataclass(frozen=True, slots=True)
class Acceptance:
    """``findings`` are the errors of each lane and group; ``held`` names groups.

    ``left_out`` are the lanes and groups that are not in ``mesh``.
    """

    mesh: Mesh = field(default_factory=Mesh)
    findings: Mapping[Key, tuple[Finding, ...]] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    left_out: frozenset[Key] = frozenset()


def accept(
    declared: Iterable[Manifest],
    context: Iterable[Manifest],
    decoded: DecodedManifests | None = None,
) -> Acceptance:
    """``declared`` are lanes and groups, ``context`` services and gateways."""
    decoded = DecodedManifests() if decoded is None else decoded
    standing = {key_of(manifest): manifest for manifest in by_age(declared)}
    around = {key_of(manifest): manifest for manifest in context}
    groups = {key.name for key in standing if key.kind == GROUP}
    found: dict[Key, list[Finding]] = {}
    held: set[str] = set()
    left_out: set[Key] = set()
    while True:
        mesh, errors = _decode([*standing.values(), *around.values()], decoded)
        if not errors:
            break
        for key, findings in errors.items():
            if key in around:
                del around[key]
                continue
            found.setdefault(key, []).extend(findings)
            manifest = standing.get(key)
            if manifest is None:  # left out already with its group
                continue
            group = group_name(manifest)
            if may_be_applied(manifest) and group in groups:
                held.add(group)
            gone = {key}
            if key.kind == GROUP or group in held:
                gone |= {k for k, other in standing.items() if group_name(other) == group}
            for one in gone:
                standing.pop(one, None)
            left_out |= gone
    decoded.sweep()
    return Acceptance(
        mesh,
        {key: tuple(findings) for key, findings in found.items()},
        frozenset(held),
        frozenset(left_out),
    )


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
    manifests: Collection[Manifest], decoded: DecodedManifests
) -> tuple[Mesh, dict[Key, list[Finding]]]:
    """The mesh, and the errors by the object that has them."""
    keys = {str(key_of(manifest)): key_of(manifest) for manifest in manifests}
    mesh, findings = assemble(decoded.of(manifest) for manifest in manifests)
    errors: dict[Key, list[Finding]] = {}
    for finding in findings:
        if finding.severity is Severity.ERROR:
            assert finding.source is not None, "decode fills in the source"
            errors.setdefault(keys[finding.source.file], []).append(finding)
    return mesh, errors
