"""What one pass should do: accept what is declared, compile it, compare it with the cluster. Pure.

If laneway itself fails on a lane group, a service or a gateway, that one is left out of the plan.
The objects that were generated for such a group are held as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from laneway.compile.dialect import ConfiguredDialect, Kinds
from laneway.compile.lower import lower
from laneway.model.findings import Finding, ObjectKey
from laneway.model.meshes import Mesh
from laneway.model.names import DEFAULT_NAMESPACE
from laneway.operator.acceptance import GROUP, Acceptance, accept, by_age, group_name
from laneway.operator.cluster_port import Observed
from laneway.operator.decoded_manifests import DecodedManifests
from laneway.operator.held_groups import Hold, Holds
from laneway.operator.isolation import isolate
from laneway.operator.manifests import Key, Manifest, group_of, key_of
from laneway.operator.operations import Reconciliation, reconcile, unclaimed
from laneway.operator.sealed_manifests import SealedManifests


@dataclass(frozen=True, slots=True)
class Plan:
    """``notices`` say by group why some of its objects are not applied, ``limits`` by object what
    the dialect does not support. ``faults`` are exceptions by the object that they are blamed on:
    a LaneGroup, or a service or gateway. If ``fatal`` is set there is no plan at all."""

    acceptance: Acceptance = field(default_factory=Acceptance)
    difference: Reconciliation = field(default_factory=Reconciliation)
    notices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    limits: Mapping[ObjectKey, Sequence[Finding]] = field(default_factory=dict)
    faults: Mapping[Key, Exception] = field(default_factory=dict)
    fatal: Exception | None = None

    def fault_of(self, group: str) -> Exception | None:
        """Why nothing of the group was planned, if laneway failed on it."""
        return self.fatal or self.faults.get(Key(GROUP, "", group))


class Planner:
    """Plans for one dialect. Remembers what it decoded and compared, which only saves work."""

    def __init__(self, dialect: ConfiguredDialect) -> None:
        self._dialect = dialect
        self._sealed = SealedManifests()
        self._decoded = DecodedManifests()

    def plan(self, observed: Observed, now: datetime | None = None) -> Plan:
        """The plan for all objects but those that laneway fails on; raises nothing. Lanes that have
        expired at ``now`` do not count."""
        declared = by_age([*observed.groups, *observed.lanes])
        groups = dict.fromkeys(_group_key(each) for each in declared)
        owners = {key: _group_key(group) for group in observed.groups for key in _services(group)}
        context = {key_of(each) for each in (*observed.services, *observed.gateways)}
        others = sorted(context - owners.keys())
        isolated = isolate(
            [*others, *groups], lambda out: self._without(observed, out, owners, now)
        )
        if isolated.result is None:
            return Plan(faults=isolated.failed, fatal=isolated.fatal)
        acceptance, difference, notices, limits = isolated.result
        return Plan(acceptance, difference, notices, limits, isolated.failed)

    def _without(
        self,
        observed: Observed,
        left_out: Collection[Key],
        owners: Mapping[Key, Key],
        now: datetime | None,
    ) -> tuple[
        Acceptance, Reconciliation, Mapping[str, list[str]], Mapping[ObjectKey, list[Finding]]
    ]:
        """``left_out`` are groups (with their lanes and services), other services, and gateways."""
        stopped = {key.name for key in left_out if key.kind == GROUP}
        declared = [*observed.groups, *observed.lanes]
        context = [*observed.services, *observed.gateways]
        if left_out:
            declared = [each for each in declared if _group_key(each) not in left_out]
            context = [
                each for each in context if owners.get(key := key_of(each), key) not in left_out
            ]
        acceptance = accept(declared, context, self._decoded, self._dialect.refuse, now)
        mesh, routes = acceptance.mesh, lower(acceptance.mesh)
        dialect, present = self._dialect, observed.generated
        free, taken = unclaimed(dialect.emit(mesh, routes), dialect.claims(present))
        holds = Holds(dialect.kinds, acceptance.held | stopped, present)
        difference = reconcile(dialect.kinds, free, present, holds, self._sealed)
        notices = _notices(
            dialect.kinds, acceptance.held | stopped, holds, free, taken, difference.collisions
        )
        return acceptance, difference, notices, _by_object(mesh, dialect.report(mesh, routes))


def _group_key(manifest: Manifest) -> Key:
    return Key(GROUP, "", group_name(manifest))


def _services(group: Manifest) -> Iterator[Key]:
    """The services that a LaneGroup lists, as far as that can be read."""
    spec = group.get("spec")
    listed = spec.get("services") if isinstance(spec, Mapping) else None
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, Mapping):
            namespace = str(each.get("namespace", DEFAULT_NAMESPACE))
            yield Key("Service", namespace, str(each.get("name")))


def _notices(
    kinds: Kinds,
    held: Collection[str],
    holds: Holds,
    free: Sequence[Manifest],
    taken: Sequence[tuple[Manifest, Manifest]],
    collisions: Sequence[Manifest],
) -> Mapping[str, list[str]]:
    """By group, why some of what was emitted is not applied."""
    notices: dict[str, list[str]] = {}
    for manifest, claim in taken:
        hosts = ", ".join(sorted(kinds[manifest["kind"]].hosts(manifest)))
        text = f"{key_of(claim)} routes {hosts} already, so lanes do not: remove one of the two"
        notices.setdefault(group_of(manifest), []).append(text)
    others = {key_of(manifest) for manifest in collisions}
    for manifest in free:
        key = key_of(manifest)
        if key in others:
            text = f"{key} exists and was not created by laneway, which needs this name: rename it"
            notices.setdefault(group_of(manifest), []).append(text)
        elif holds.of(manifest) is Hold.FROZEN:
            groups = ", ".join(sorted(held))
            text = f"{key} stays as it was, because of errors in lane group {groups}"
            notices.setdefault(group_of(manifest), []).append(text)
    return notices


def _by_object(mesh: Mesh, findings: Iterable[Finding]) -> Mapping[ObjectKey, list[Finding]]:
    """By lane or group. Findings about a Service go to its group: it has no laneway status."""
    owners = {
        ObjectKey("Service", str(service)): ObjectKey("LaneGroup", group.name)
        for service, group in mesh.groups_by_service.items()
    }
    limits: dict[ObjectKey, list[Finding]] = {}
    for finding in findings:
        if finding.subject is not None:
            limits.setdefault(owners.get(finding.subject, finding.subject), []).append(finding)
    return limits
