"""Events about objects: what happened, how often, and when first and last. Pure.

As in Kubernetes, repeated events are counted, and events are kept for an hour. Each event is
available in both versions of the API, ``v1`` and ``events.k8s.io/v1``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from laneway.apiserver.virtual_resources import CORE_EVENT, EVENT
from laneway.control.revisions import Manifest, ObjectId
from laneway.model.names import DEFAULT_NAMESPACE
from laneway.model.times import timestamp

#: The number of latest events that are kept, and how long each is kept after its last occurrence.
MOST = 1000
LIFE = timedelta(hours=1)
#: Kubernetes' limit for the length of a note.
_LONGEST_NOTE = 1024
_REPORTER = "laneway"


@dataclass(frozen=True, slots=True)
class Regarding:
    """The object that an event is about. ``namespace`` is "" for cluster-scoped objects."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Occurrence:
    regarding: Regarding
    reason: str
    note: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class _Counted:
    """``number`` is unique, and increases with each new event."""

    occurrence: Occurrence
    number: int
    first: datetime
    last: datetime
    count: int = 1


class EventLog:
    def __init__(self) -> None:
        #: The one that happened last is the last.
        self._counted: dict[Occurrence, _Counted] = {}
        self._manifests: dict[Occurrence, dict[ObjectId, Manifest]] = {}
        self._number = 0

    def add(self, occurrence: Occurrence, at: datetime) -> None:
        """``at`` is in UTC, and not before what was added already."""
        occurrence = replace(occurrence, note=occurrence.note[:_LONGEST_NOTE])
        known = self._counted.pop(occurrence, None)
        if known:
            counted = replace(known, last=at, count=known.count + 1)
        else:
            self._number = max(self._number + 1, int(at.timestamp() * 1e6))
            counted = _Counted(occurrence, self._number, at, at)
        self._counted[occurrence] = counted
        self._manifests[occurrence] = _manifests(counted)
        if len(self._counted) > MOST:
            self._forget(next(iter(self._counted)))

    def identify(self, uid_of: Callable[[Regarding], str]) -> None:
        """Fills in the uids of objects that did not exist yet when their first events occurred: the
        processes of a change start before the change is stored."""
        for occurrence, counted in list(self._counted.items()):
            about = occurrence.regarding
            if about.uid or not (uid := uid_of(about)):
                continue
            self._forget(occurrence)
            known = replace(occurrence, regarding=replace(about, uid=uid))
            if known not in self._counted:
                self._counted[known] = replace(counted, occurrence=known)
                self._manifests[known] = _manifests(self._counted[known])
        self._counted = dict(sorted(self._counted.items(), key=lambda item: item[1].last))

    def at(self, now: datetime) -> Mapping[ObjectId, Manifest]:
        """The events that have not expired, in both API versions."""
        for occurrence, counted in list(self._counted.items()):
            if now - counted.last < LIFE:
                break
            self._forget(occurrence)
        return {key: each for found in self._manifests.values() for key, each in found.items()}

    def _forget(self, occurrence: Occurrence) -> None:
        del self._counted[occurrence], self._manifests[occurrence]


def _manifests(counted: _Counted) -> dict[ObjectId, Manifest]:
    about = counted.occurrence.regarding
    namespace = about.namespace or DEFAULT_NAMESPACE
    name = f"{about.name}.{counted.number:x}"
    metadata = {
        "name": name,
        "namespace": namespace,
        "creationTimestamp": timestamp(counted.first),
    }
    versions = {
        CORE_EVENT.qualified: _core(counted, metadata),
        EVENT.qualified: _newer(counted, metadata),
    }
    return {ObjectId(of, namespace, name): manifest for of, manifest in versions.items()}


def _core(counted: _Counted, metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": dict(metadata),
        "involvedObject": _reference(counted.occurrence.regarding),
        "reason": counted.occurrence.reason,
        "message": counted.occurrence.note,
        "type": _type(counted.occurrence),
        "source": {"component": _REPORTER},
        "firstTimestamp": timestamp(counted.first),
        "lastTimestamp": timestamp(counted.last),
        "count": counted.count,
        "eventTime": None,
        "reportingComponent": _REPORTER,
        "reportingInstance": "",
    }


def _newer(counted: _Counted, metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": dict(metadata),
        "eventTime": None,
        "regarding": _reference(counted.occurrence.regarding),
        "reason": counted.occurrence.reason,
        "note": counted.occurrence.note,
        "type": _type(counted.occurrence),
        "reportingController": _REPORTER,
        "deprecatedSource": {"component": _REPORTER},
        "deprecatedFirstTimestamp": timestamp(counted.first),
        "deprecatedLastTimestamp": timestamp(counted.last),
        "deprecatedCount": counted.count,
    }


def _reference(about: Regarding) -> dict[str, str]:
    reference = {"apiVersion": about.api_version, "kind": about.kind, "name": about.name}
    if about.namespace:
        reference["namespace"] = about.namespace
    if about.uid:
        reference["uid"] = about.uid
    return reference


def _type(occurrence: Occurrence) -> str:
    return "Warning" if occurrence.warning else "Normal"
