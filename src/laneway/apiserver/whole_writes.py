"""Writes of many objects that are accepted as a whole or refused as a whole. Pure.

Change sets, rollbacks and promotions become such writes; ``wiring.whole_changes`` carries them out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from laneway.apiserver.failures import Failure
from laneway.apiserver.resources import Resource
from laneway.apiserver.tokens import Identity
from laneway.apiserver.validation import STRICT
from laneway.apiserver.writes import Write
from laneway.control.declared import Refused
from laneway.control.revisions import Manifest, ObjectId, Objects
from laneway.model.findings import Finding, ObjectKey, Path, Severity, Source, field_text
from laneway.schema import Document

_NOWHERE = Source("the request", None)


#: Kubernetes' reason for a cause: another manager owns the field.
FIELD_CONFLICT = "FieldManagerConflict"


@dataclass(frozen=True, slots=True)
class Author:
    """The user who writes, and the field manager. ``now`` is in RFC 3339; ``uid`` returns a new uid
    with each call."""

    identity: Identity
    manager: str
    now: str
    uid: Callable[[], str]
    force: bool = False

    def write(self, resource: Resource, namespace: str, name: str) -> Write:
        return Write(
            resource,
            namespace,
            name,
            self.manager,
            self.now,
            self.uid(),
            resource.kind.api_versions[0],
            STRICT,
            self.force,
        )


@dataclass(frozen=True, slots=True)
class WholeWrite:
    """``writes`` has the new state of each object that changes, in order; None deletes it.

    ``places`` has the paths of objects in the request, by their keys in findings. ``concerned`` has
    all objects of the request, whether or not they change.
    """

    writes: Mapping[ObjectId, Manifest | None]
    warnings: tuple[str, ...] = ()
    places: Mapping[ObjectKey, Path] = field(default_factory=dict)
    concerned: tuple[ObjectId, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason for a refusal, and its place in the request. ``owner``: another source owns the
    object."""

    path: Path
    reason: str
    message: str
    field: str = ""
    owner: bool = False

    @property
    def cause(self) -> dict[str, str]:
        inner = self.field.lstrip(".")
        place = field_text(self.path)
        whole = f"{place}.{inner}" if place and inner else place or inner
        return {"reason": self.reason, "message": self.message, "field": whole}


def problems_of(failure: Failure, path: Path, subject: str) -> list[Problem]:
    """The refusal of one object, as parts of the refusal of the whole request."""
    owner = failure.code == 409
    causes = failure.details.get("causes", ())
    if not causes:
        return [Problem(path, failure.reason, f"{subject}: {failure.message}", owner=owner)]
    return [
        Problem(
            path,
            cause["reason"],
            f"{subject}: {cause['message'] or failure.message}",
            cause["field"],
            owner,
        )
        for cause in causes
    ]


def refusal(kind: str, problems: Sequence[Problem]) -> Failure:
    """The refusal of the whole request: a conflict if all problems are about other sources."""
    code = 409 if all(each.owner for each in problems) else 422
    texts = [
        f"{p.cause['field']}: {p.message}" if p.cause["field"] else p.message for p in problems
    ]
    listed = "; ".join(texts[:10]) + ("; ..." if len(texts) > 10 else "")
    owned = all(each.reason == FIELD_CONFLICT for each in problems)
    takes_over = "; `force` takes over what others own" if owned else ""
    return Failure(
        code,
        f"{kind} is refused, and nothing was changed: {listed}{takes_over}",
        causes=[each.cause for each in problems],
    )


def refusal_of(kind: str, refused: Refused, places: Mapping[ObjectKey, Path]) -> Failure:
    """The refusal by the declared state or the running mesh."""
    problems = [_problem(each, places) for each in refused.findings if _is_error(each)]
    problems += [Problem((), "Conflict", str(each), owner=True) for each in refused.conflicts]
    if refused.outcome is not None:
        outcome = refused.outcome
        texts = outcome.rejections or (outcome.reason,)
        problems += [Problem((), "NotProgrammed", text) for text in texts]
    return refusal(kind, problems)


def check_allowed(
    identity: Identity, write: WholeWrite, before: Objects, resources: Collection[Resource]
) -> None:
    """Raises ``Failure`` unless the identity may write each of the objects."""
    by_name = {resource.qualified: resource for resource in resources}
    for key, manifest in write.writes.items():
        stored = before.get(key)
        both = [m for m in (manifest, stored.manifest if stored else None) if m is not None]
        if not identity.may_change(by_name[key.resource], both):
            scopes = ", ".join(sorted(identity.scopes))
            raise Failure(403, f"{identity.name} may not change {key} (scopes: {scopes})")


def subject_of(resource: Resource, manifest: Manifest) -> ObjectKey:
    """The key of the object in findings."""
    document = Document(manifest, _NOWHERE)
    return ObjectKey(resource.kind.name, resource.kind.name_of(document))


def warnings_of(findings: Iterable[Finding]) -> list[str]:
    return [described(each) for each in findings if not _is_error(each)]


def _problem(finding: Finding, places: Mapping[ObjectKey, Path]) -> Problem:
    path = places.get(finding.subject) if finding.subject else None
    if path is None:  # an existing object
        return Problem((), finding.code, described(finding))
    return Problem(
        (*path, *finding.path), finding.code, f"{finding.subject}: {finding.explanation}"
    )


def described(finding: Finding) -> str:
    """The object, the field, what is wrong and what would be right."""
    about = ", ".join(part for part in (str(finding.subject or ""), finding.field) if part)
    return f"{about}: {finding.explanation}" if about else finding.explanation


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR
