"""The events of this server: changed statuses, processes, and expired lanes.

They are in memory only, and are lost with a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from laneway.apiserver.event_log import MOST, EventLog, Occurrence, Regarding
from laneway.apiserver.process_events import occurrence, workload_regarding
from laneway.apiserver.proxy_lists import Rejection
from laneway.apiserver.status_events import occurrences, regarding
from laneway.control import events
from laneway.control.revisions import ObjectId, Revision, RevisionStore, StoredObject
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.times import timestamp
from laneway.wiring.fleets import workload_of

_WORKLOADS, _LANES = "workloads.laneway.dev", "lanes.laneway.dev"
_GROUPS = "lanegroups.laneway.dev"


class RecentEvents:
    """Listens to the store's revisions; callers report everything else.

    ``now`` is in UTC. ``changed`` is called for each new event. ``active`` returns the running
    mesh.
    """

    def __init__(self, store: RevisionStore, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._log = EventLog()
        self.changed: Callable[[], None] = lambda: None
        self.active: Callable[[], Mesh] = Mesh
        self._seen = Mesh()
        #: The last rejection of each proxy, by node.
        self.rejections: dict[str, Rejection] = {}
        self.close = store.listen(self._hear)

    async def current(self) -> Mapping[ObjectId, Mapping[str, object]]:
        self.look()
        self._log.identify(self._uid)
        return self._log.at(self._now())

    def tell(self, event: events.Event) -> None:
        """Adds an event of a process."""
        workload = None
        if isinstance(event.subject, events.WorkloadInstance):
            workload = workload_regarding(workload_of(event.subject.instance))
            workload = replace(workload, uid=self._uid(workload))
        self._add([found] if (found := occurrence(event, workload)) else [])
        if isinstance(event, events.Rejected):
            self._add(self._faults(event))
            self.rejections[event.subject.name] = Rejection(event, self._now())
            while len(self.rejections) > MOST:
                del self.rejections[next(iter(self.rejections))]

    def _faults(self, event: events.Rejected) -> Iterator[Occurrence]:
        """One event for each affected lane and group that is declared already."""
        for key in event.objects:
            resource = {"Lane": _LANES, "LaneGroup": _GROUPS}.get(key.kind, "")
            name = key.name.rpartition("/")[2]
            if stored := self._store.objects.get(ObjectId(resource, "", name)):
                note = f"{event.subject} {event}"
                yield Occurrence(regarding(stored.manifest), "RejectedByProxies", note, True)

    def look(self) -> None:
        """Adds events for lanes that have expired since the last call."""
        before, active, now = self._seen, self.active(), self._now()
        if active is before:
            return
        self._seen = active
        left = {(lane.group, lane.name) for lane in active.lanes}
        gone = (lane for lane in before.lanes if (lane.group, lane.name) not in left)
        over = [lane for lane in gone if lane.expires_at is not None and lane.expires_at <= now]
        self._add(found for lane in over if (found := self._expired(lane)))

    def _expired(self, lane: Lane) -> Occurrence | None:
        """None if the lane was deleted."""
        stored = self._store.objects.get(ObjectId(_LANES, "", lane.name))
        if stored is None or lane.expires_at is None:
            return None
        note = f"expired at {timestamp(lane.expires_at)}: its requests go to the baseline"
        return Occurrence(regarding(stored.manifest), "Expired", note)

    def _hear(self, revision: Revision, before: Mapping[ObjectId, StoredObject | None]) -> None:
        self._add(occurrences(revision, before))

    def _add(self, found: Iterable[Occurrence]) -> None:
        for each in found:
            self._log.add(each, self._now())
            self.changed()

    def _uid(self, about: Regarding) -> str:
        if about.kind != "Workload":
            return ""
        stored = self._store.objects.get(ObjectId(_WORKLOADS, about.namespace, about.name))
        return str(stored.manifest["metadata"].get("uid", "")) if stored else ""
