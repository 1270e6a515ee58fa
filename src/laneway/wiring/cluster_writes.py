"""Writes of a change set to a cluster: all are tried, then made in order, until one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from laneway.adapters.kube.announcements import Announcer
from laneway.adapters.kube.client import Client
from laneway.adapters.kube.declared_objects import DeclaredObjects
from laneway.adapters.kube.errors import Conflict, NotFound
from laneway.apiserver.cluster_change_sets import Step, operation, report, written_in_part
from laneway.apiserver.failures import Failure
from laneway.apiserver.whole_writes import Author, Problem, problems_of, refusal
from laneway.control.revisions import Manifest, ObjectId
from laneway.operator.cluster_port import ClusterError, Note, Unavailable
from laneway.wiring.change_answers import is_ready
from laneway.wiring.cluster_objects import resource_of

log = structlog.get_logger(__name__)

_AT_ONCE = 8
#: Seconds. A cluster's API server ends requests after 60.
LONGEST_WAIT = 50
#: Kubernetes takes 1,024 characters.
_LONGEST_NOTE = 1000

#: Each step, and the object as it would be; None if it is deleted.
Tried = Sequence[tuple[Step, Manifest | None]]


@dataclass(frozen=True, slots=True)
class Written:
    """``generations`` are those of the lanes and groups that are there now."""

    reports: list[dict[str, Any]]
    generations: Mapping[ObjectId, int]


class ClusterWrites:
    def __init__(self, client: Client, objects: DeclaredObjects, announcer: Announcer) -> None:
        self._client = client
        self._objects = objects
        self._announcer = announcer

    async def tried(self, steps: Sequence[Step], author: Author) -> Tried:
        """Raises ``Failure``, with all that the API server would refuse."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def attempt(step: Step) -> Manifest | ClusterError | None:
            async with slots:
                try:
                    return await self._do(step, author, dry_run=True)
                except ClusterError as error:
                    return error

        found = await asyncio.gather(*map(attempt, steps))
        tried: list[tuple[Step, Manifest | None]] = []
        problems: list[Problem] = []
        for step, each in zip(steps, found, strict=True):
            if isinstance(each, ClusterError):
                problems += _problems(step, each)
            else:
                tried.append((step, each))
        if problems:
            raise refusal("ChangeSet", problems)
        return tried

    async def made(self, tried: Tried, author: Author, message: str) -> Written:
        """Raises ``Failure`` if only a part could be written."""
        reports: list[dict[str, Any]] = []
        generations: dict[ObjectId, int] = {}
        changed: list[Manifest] = []
        for number, (step, would_be) in enumerate(tried):
            done, now = operation(step, would_be), would_be
            if done != "unchanged":
                try:
                    now = await self._do(step, author)
                except ClusterError as error:
                    await self._tell(changed, author, message)
                    rest = [each for each, _ in tried[number + 1 :]]
                    raise _in_part(reports, step, error, rest) from error
            reports.append(report(step.key, done))
            if now is not None:
                generations[step.key] = now["metadata"].get("generation", 0)
            if done != "unchanged":
                changed.append(now or step.before or {})
        await self._tell(changed, author, message)
        return Written(reports, generations)

    async def not_ready(self, written: Written, seconds: int) -> list[str]:
        """Lanes and lane groups that are not ready by then."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, LONGEST_WAIT)):
                while self._lacking(written):
                    await self._objects.changed()
        return self._lacking(written)

    def _lacking(self, written: Written) -> list[str]:
        known = {
            (each["kind"], each["metadata"]["name"]): each for each in self._objects.manifests()
        }
        return [
            str(key)
            for key, generation in written.generations.items()
            if not _is_ready(known.get((resource_of(key).kind, key.name)), generation)
        ]

    async def _do(self, step: Step, author: Author, *, dry_run: bool = False) -> Manifest | None:
        """The object as it is then. If another has taken its place, nothing is done."""
        resource, key, before = resource_of(step.key), step.key, step.before
        if step.body is None:
            assert before is not None
            with suppress(NotFound):
                await self._client.delete(resource, before, dry_run=dry_run)
            return None
        metadata = {**step.body["metadata"], "name": key.name}
        metadata.pop("namespace", None)  # neither lanes nor groups have one in a cluster
        if before is not None:
            metadata["uid"] = before["metadata"]["uid"]
        return await self._client.apply(
            resource,
            {**step.body, "metadata": metadata},
            manager=author.manager,
            force=author.force,
            dry_run=dry_run,
            strict=True,
        )

    async def _tell(self, changed: Sequence[Manifest], author: Author, message: str) -> None:
        """In the log, and in an event about each object. That must not fail what was written."""
        user, source = author.identity.name, author.manager
        names = [f"{each['kind']} {each['metadata']['name']}" for each in changed]
        log.info("change set", user=user, source=source, message=message, written=names)
        text = f"{user} changed it, by a ChangeSet of {source}" + (message and f": {message}")
        note = Note("ChangedByChangeSet", text[:_LONGEST_NOTE])
        for each in changed:
            try:
                await self._announcer.announce(each, note, "Change")
            except ClusterError as error:
                log.warning("no event", error=str(error))
                return


def _is_ready(manifest: Manifest | None, generation: int) -> bool:
    """What is watched may be older than what was written."""
    if manifest is None or manifest["metadata"]["generation"] < generation:
        return False
    return is_ready(manifest)


def _problems(step: Step, error: ClusterError) -> list[Problem]:
    """What the API server says, at the object's place in the request."""
    if error.code == 0 or error.code == 429 or error.code >= 500:
        raise Failure(503, f"nothing was changed: {error}") from error
    details = error.status.get("details") or {}
    failure = Failure(
        error.code,
        str(error.status.get("message") or error),
        reason=str(error.status.get("reason") or "Refused"),
        causes=[_cause(each) for each in details.get("causes") or ()],
    )
    return problems_of(failure, step.path, str(step.key))


def _cause(cause: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(cause.get(name) or "") for name in ("reason", "message", "field")}


def _in_part(
    done: Sequence[Mapping[str, Any]], step: Step, error: ClusterError, rest: Sequence[Step]
) -> Failure:
    lost = isinstance(error, Unavailable) and not isinstance(error, Conflict)
    reason = f"{error}{'; whether it was written is not known' if lost else ''}"
    code = 503 if lost else 409 if isinstance(error, Conflict) else 500
    return written_in_part(done, step, reason, rest, code)
