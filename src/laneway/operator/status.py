"""The status of a lane or group: its conditions and ready instances. Pure.

Accepted: the object is valid. Programmed: what was generated for it is in the cluster. Ready: its
services have ready instances. SharesWorkloads: another lane has some of the same pods. A condition
keeps the time of its last transition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from laneway.model.acceptance import Standing
from laneway.model.findings import Finding, ObjectKey
from laneway.model.lane_lives import INACTIVE, Inactive
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.operator.acceptance import (
    FAILED,
    GROUP,
    HELD,
    INTERNAL_ERROR,
    Acceptance,
    candidate,
    group_name,
    is_applied,
)
from laneway.operator.cluster_port import Note
from laneway.operator.manifests import Manifest, key_of
from laneway.operator.ready_instances import Instances, Readiness
from laneway.operator.shared_pods import SharedPods

SHARES_WORKLOADS = "SharesWorkloads"
#: Kubernetes allows 32,768 characters; nobody reads as many.
_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Condition:
    """``status`` is None for Unknown."""

    type: str
    status: bool | None
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """How a pass went. By lane group: what failed, and why some objects are not applied (somebody
    else routes the host, a shared gateway waits for another group). By object: what the dialect
    does not support. ``faults`` are groups that laneway itself failed on, and how."""

    failures: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    limits: Mapping[ObjectKey, Sequence[Finding]] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)


def conditions(
    manifest: Manifest,
    acceptance: Acceptance,
    result: Result,
    readiness: Readiness,
    shared: SharedPods = MappingProxyType({}),
) -> tuple[tuple[Condition, ...], tuple[Instances, ...] | None]:
    """A lane's or group's conditions; and, for a lane that is in the mesh, its instances."""
    if fault := result.faults.get(group_name(manifest)):
        return _after_fault(fault), None
    errors = acceptance.findings.get(key_of(manifest), ())
    programmed = _programmed(manifest, acceptance, result)
    lane = _lane(manifest, acceptance)
    instances = readiness.of(lane) if lane is not None else None
    found = (accepted(errors), programmed, _ready(programmed, lane, instances))
    if manifest["kind"] == GROUP:
        return found, None
    with_lanes = shared.get((lane.group, lane.name)) if lane is not None else None
    return (*found, *([_shares(with_lanes)] if with_lanes else [])), instances


def _after_fault(fault: str) -> tuple[Condition, ...]:
    stays = "what was applied before stays as it is"
    return (
        Condition("Accepted", None, INTERNAL_ERROR, fault),
        Condition("Programmed", False, INTERNAL_ERROR, _lines([fault, stays])),
        Condition("Ready", None, INTERNAL_ERROR, stays),
    )


def accepted(errors: Sequence[Finding]) -> Condition:
    """Whether an object is accepted that has these errors."""
    if not errors:
        return Condition("Accepted", True, "Valid")
    return Condition("Accepted", False, errors[0].code, explanations(errors))


def not_accepted(
    standing: Standing, manifest: Manifest, group: str, wrong: Iterable[str]
) -> Condition | None:
    """What Programmed is for an object that is not accepted, or held; None for any other.

    ``wrong`` are the objects for which its group is held.
    """
    if standing is Standing.HELD:
        why = f"the last valid state of group {group} stays active because of errors in "
        return Condition("Programmed", is_applied(manifest), HELD, why + ", ".join(wrong))
    if standing is Standing.NOT_ACCEPTED:
        return Condition("Programmed", False, "NotAccepted", "it has errors")
    if standing is Standing.GROUP_NOT_ACCEPTED:
        why = f"its lane group {group} is not accepted, or stays at its last valid state"
        return Condition("Programmed", False, "GroupNotAccepted", why)
    return None


def not_counting(manifest: Manifest, why: Inactive) -> Condition:
    """What Programmed is for a lane that is disabled, or has expired."""
    if why is Inactive.DISABLED:
        what = "the lane is disabled (spec.enabled)"
    else:
        what = f"the lane expired at {manifest['spec'].get('expiresAt')} (spec.expiresAt)"
    meaning = "requests that name it count as without a lane"
    return Condition("Programmed", False, why.value, f"{what}: {meaning}")


def not_ready(programmed: Condition) -> Condition | None:
    """What Ready is for an object that is not programmed; None for any other."""
    if programmed.status:
        return None
    if programmed.reason in INACTIVE:
        return replace(programmed, type="Ready")
    return Condition("Ready", False, "NotProgrammed")


def _programmed(manifest: Manifest, acceptance: Acceptance, result: Result) -> Condition:
    group = group_name(manifest)
    standing = acceptance.standing(candidate(manifest))
    wrong = (str(key) for key in sorted(acceptance.findings) if key in acceptance.left_out)
    if condition := not_accepted(standing, manifest, group, wrong):
        return condition
    if why := acceptance.inactive.get(key_of(manifest)):
        return not_counting(manifest, why)
    if failures := result.failures.get(group):
        return Condition("Programmed", False, FAILED, _lines(failures))
    if notices := result.notices.get(group):
        return Condition("Programmed", True, "Partial", _lines(notices))
    limits = result.limits.get(_subject(manifest), ())
    return Condition("Programmed", True, "Applied", explanations(limits))


def _subject(manifest: Manifest) -> ObjectKey:
    """How findings call a lane or a group."""
    name = group_name(manifest)
    if manifest["kind"] == GROUP:
        return ObjectKey(GROUP, name)
    return ObjectKey(manifest["kind"], f"{name}/{manifest['metadata']['name']}")


def _lane(manifest: Manifest, acceptance: Acceptance) -> Lane | None:
    if key_of(manifest) in acceptance.left_out:
        return None
    return lane_of(manifest, acceptance.mesh)


def lane_of(manifest: Manifest, mesh: Mesh) -> Lane | None:
    """The lane itself, or the baseline of a group: its services answer where no lane does. None if
    it is not in the mesh."""
    name = group_name(manifest)
    group = mesh.groups_by_name.get(name)
    if group is None:
        return None
    if manifest["kind"] == GROUP:
        return mesh.baseline(group)
    lanes = mesh.lanes_by_group[name]
    return next((lane for lane in lanes if lane.name == manifest["metadata"]["name"]), None)


def _ready(
    programmed: Condition, lane: Lane | None, instances: Sequence[Instances] | None
) -> Condition:
    if condition := not_ready(programmed):
        return condition
    if lane is None or instances is None:
        why = "unchanged: readiness is not updated while the last valid state stays active"
        return Condition("Ready", True, HELD, why)
    lacking = [str(each.service) for each in instances if not each.ready]
    if lacking:
        why = f"no ready instance in lane {lane.name} of {', '.join(lacking)}"
        return Condition("Ready", False, "NoReadyInstance", why[:_TEXT])
    return Condition("Ready", True, "InstancesReady")


def _shares(others: Mapping[str, str]) -> Condition:
    """Only where it is so."""
    pods = [f"pod {pod} also belongs to lane {lane}" for lane, pod in others.items()]
    fix = "tell them apart by labels, or declare that it is intended: sharesWorkloadsWith"
    return Condition(SHARES_WORKLOADS, True, "PodsOfSeveralLanes", _lines([*pods, fix]))


def explanations(findings: Iterable[Finding]) -> str:
    return _lines(finding.field_explanation for finding in findings)


def _lines(texts: Iterable[str]) -> str:
    text = "\n".join(texts)
    return text if len(text) <= _TEXT else f"{text[: _TEXT - 1]}…"


def status_of(
    manifest: Manifest,
    found: Sequence[Condition],
    instances: Sequence[Instances] | None,
    now: str,
    baseline: str | None = None,
) -> dict[str, Any]:
    """The status to report; equal to the object's where nothing has changed. ``baseline`` is the
    one to record for a group."""
    before = _conditions(manifest)
    generation = manifest["metadata"].get("generation", 0)
    status: dict[str, Any] = {
        "observedGeneration": generation,
        "conditions": [_document(c, before.get(c.type, {}), generation, now) for c in found],
    }
    if baseline is not None:
        status["baseline"] = baseline
    if instances is not None:
        status["services"] = [
            {
                "namespace": each.service.namespace,
                "name": each.service.name,
                "ready": each.ready,
                "total": each.total,
            }
            for each in instances
        ]
    return status


def _conditions(manifest: Manifest) -> dict[str, Mapping[str, Any]]:
    status = manifest.get("status") or {}
    return {condition["type"]: condition for condition in status.get("conditions") or ()}


def _document(
    condition: Condition, before: Mapping[str, Any], generation: int, now: str
) -> dict[str, Any]:
    status = _status(condition)
    same = before.get("status") == status
    return {
        "type": condition.type,
        "status": status,
        "reason": _reason(condition.reason),
        "message": condition.message,
        "observedGeneration": generation,
        "lastTransitionTime": before.get("lastTransitionTime", now) if same else now,
    }


def _status(condition: Condition) -> str:
    return "Unknown" if condition.status is None else str(condition.status)


def _reason(code: str) -> str:
    """``UNKNOWN_SERVICE`` as Kubernetes writes reasons: ``UnknownService``."""
    return code if "_" not in code else "".join(part.capitalize() for part in code.split("_"))


def notes(manifest: Manifest, found: Sequence[Condition]) -> Iterator[Note]:
    """What is worth an Event: conditions that changed; at first, Programmed and what is wrong."""
    before = _conditions(manifest)
    for condition in found:
        old = before.get(condition.type, {})
        changed = (old.get("status"), old.get("reason")) != (
            _status(condition),
            _reason(condition.reason),
        )
        shares = condition.type == SHARES_WORKLOADS
        alarming = not condition.status or condition.reason in (HELD, "Partial") or shares
        first = condition.type == "Programmed" or (alarming and condition.type != "Ready")
        if changed and (old or first):
            text = condition.message or f"{condition.type}: {_status(condition)}"
            yield Note(_reason(condition.reason), text[:1000], alarming)
