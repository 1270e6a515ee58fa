"""Watches: streams of the changes to the objects of a resource, from a revision on.

Each revision is turned into events once, and each event into bytes once for each presentation,
however many clients watch. A client that reads too slowly is disconnected, and resumes where it
was. Clients resume by the number of a revision, so the events of one revision are never separated:
a stream ends before all of them or after all of them.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import deque
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field, replace
from typing import Any

from laneway.apiserver.failures import Failure
from laneway.apiserver.selectors import Selector
from laneway.apiserver.writes import shown
from laneway.control.revisions import (
    ObjectId,
    Objects,
    Revision,
    RevisionCompacted,
    RevisionStore,
    StoredObject,
    write,
)

#: The number of events that are kept for watches that resume.
_KEPT = 4096
_WAITING = 1024
#: Seconds between bookmarks, which tell a client its position.
BOOKMARKS = 60.0

#: An object in the presentation that a client asked for: itself, or a row of a table.
Show = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass
class Event:
    """The change of one object. ``before`` is None for a creation, ``after`` for a deletion."""

    key: ObjectId
    revision: int
    before: StoredObject | None
    after: StoredObject | None
    _bytes: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def encoded(self, kind: str, form: str, show: Show) -> bytes:
        """The event as a line of JSON; ``form`` identifies the presentation of ``show``."""
        if (kind, form) not in self._bytes:
            self._bytes[kind, form] = line(kind, show(self._object()))
        return self._bytes[kind, form]

    def _object(self) -> dict[str, Any]:
        if self.after is not None:
            return shown(self.after)
        assert self.before is not None
        # A deletion has a revision of its own.
        return shown(replace(self.before, revision=self.revision))


def line(kind: str, shown_object: Mapping[str, Any]) -> bytes:
    document = {"type": kind, "object": shown_object}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True)
class Watch:
    """The request of a client. Watches with the same ``form`` get the same result from ``show``."""

    resources: Collection[str]
    namespace: str
    selects: Selector
    form: str
    show: Show
    bookmark: Callable[[int, bool], dict[str, Any]]
    wants_bookmarks: bool = False
    marks_initial: bool = False
    token: str = ""
    tells_deletions: bool = True

    def covers(self, key: ObjectId) -> bool:
        return key.resource in self.resources and self.namespace in ("", key.namespace)

    def lines(self, events: Iterable[Event]) -> bytes:
        """A line for each event that the client sees."""
        return b"".join(filter(None, map(self._line, events)))

    def _line(self, event: Event) -> bytes | None:
        if not self.covers(event.key):
            return None
        was = event.before is not None and self.selects(event.before.manifest)
        now = event.after is not None and self.selects(event.after.manifest)
        if now:
            return event.encoded("MODIFIED" if was else "ADDED", self.form, self.show)
        if was and self.tells_deletions:
            # This includes an object that has lost the labels: the client must forget it.
            return event.encoded("DELETED", self.form, self.show)
        return None


#: Those of one revision.
_Events = tuple[Event, ...]


class Watches:
    """Receives every revision of a store, and passes its events to all watches.

    ``kept`` is the number of events that are kept for watches that resume; older ones are read from
    the store's history. ``waiting`` is the number of revisions that a client may be behind.
    ``others`` are closed and counted together with this one.
    """

    def __init__(
        self,
        store: RevisionStore,
        kept: int = _KEPT,
        others: Sequence[Watches] = (),
        waiting: int = _WAITING,
    ) -> None:
        self._store = store
        self._waiting = waiting
        self._others = others
        self._events: deque[Event] = deque(maxlen=kept)
        self._oldest = store.latest
        #: Each with the token of the client, or "".
        self._listening: dict[asyncio.Queue[_Events | None], str] = {}
        self._stop = store.listen(self._hear)

    @property
    def count(self) -> int:
        """The number of open watches."""
        return len(self._listening) + sum(each.count for each in self._others)

    def close(self) -> None:
        """End every watch."""
        self._stop()
        for queue in self._listening:
            _end(queue)
        for each in self._others:
            each.close()

    def end_token(self, token: str) -> None:
        """End the watches of a token that was revoked."""
        for each in self._others:
            each.end_token(token)
        for queue, theirs in tuple(self._listening.items()):
            if theirs == token:
                del self._listening[queue]
                _end(queue)

    async def stream(
        self, watch: Watch, since: int | None, *, initial: bool, seconds: float | None
    ) -> AsyncIterator[bytes]:
        """Yields the lines of the events of each revision after ``since``; None is now.
        ``initial``: all objects first.

        Raises ``Failure`` (410) at once if the history does not reach back that far.
        """
        queue: asyncio.Queue[_Events | None] = asyncio.Queue(self._waiting)
        missed: list[Event] = []
        if not initial and since is not None:
            missed = await self._since(since)
        # There is no await from here on.
        self._listening[queue] = watch.token
        objects = self._store.objects if initial else {}
        first = _first_lines(watch, objects, missed, self._store.latest)
        return self._lines(watch, queue, first, self._store.latest, seconds)

    async def _lines(
        self,
        watch: Watch,
        queue: asyncio.Queue[_Events | None],
        first: Iterable[bytes],
        at: int,
        seconds: float | None,
    ) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        end = clock() + seconds if seconds is not None else float("inf")
        try:
            for each in first:
                yield each
            while True:
                patience = max(min(BOOKMARKS, end - clock()), 0)
                try:
                    events = await asyncio.wait_for(queue.get(), patience)
                except TimeoutError:
                    if clock() >= end:
                        return
                    if watch.wants_bookmarks:
                        yield line("BOOKMARK", watch.bookmark(at, False))
                    continue
                if events is None:
                    return
                at = events[-1].revision
                if encoded := watch.lines(events):
                    yield encoded
        finally:
            self._listening.pop(queue, None)

    async def _since(self, revision: int) -> list[Event]:
        if revision > self._store.latest:
            # A store that was restored from a backup, for instance.
            raise Failure(
                410,
                f"too large resource version: {revision}, current: {self._store.latest}",
            )
        events: list[Event] = []
        try:
            while revision < self._oldest:
                latest = self._store.latest
                events += await self._read(revision, latest)
                revision = latest
        except RevisionCompacted as error:
            raise Failure(410, f"too old resource version: {error}") from error
        return events + [event for event in self._events if event.revision > revision]

    async def _read(self, revision: int, latest: int) -> list[Event]:
        """Events up to ``latest`` from the store's history."""
        objects = dict(await self._store.objects_at(revision))
        events: list[Event] = []
        while revision < latest:
            for each in await self._store.revisions(revision, 500):
                if each.number > latest:
                    break
                before = {key: objects.get(key) for key in each.draft.writes}
                write(objects, each.number, each.draft)
                events += _events(each, before)
                revision = each.number
        return events

    def _hear(self, revision: Revision, before: Mapping[ObjectId, StoredObject | None]) -> None:
        events = tuple(_events(revision, before))
        if not events:
            return
        for event in events:
            if len(self._events) == self._events.maxlen:
                self._oldest = self._events[0].revision
            self._events.append(event)
        for queue in tuple(self._listening):
            try:
                queue.put_nowait(events)
            except asyncio.QueueFull:
                self._listening.pop(queue, None)
                _end(queue)


def _first_lines(
    watch: Watch, objects: Objects, missed: Iterable[Event], latest: int
) -> Iterator[bytes]:
    # In the order of creation, which is also the order of a group's lanes.
    for key, stored in sorted(objects.items(), key=lambda item: (item[1].created, item[0])):
        if watch.covers(key) and watch.selects(stored.manifest):
            yield line("ADDED", watch.show(shown(stored)))
    if watch.marks_initial:
        yield line("BOOKMARK", watch.bookmark(latest, True))
    for _, events in itertools.groupby(missed, key=lambda event: event.revision):
        if encoded := watch.lines(events):
            yield encoded


def _end(queue: asyncio.Queue[_Events | None]) -> None:
    """The client resumes after what it has read: nothing may follow a gap."""
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(None)


def _events(revision: Revision, before: Mapping[ObjectId, StoredObject | None]) -> Iterable[Event]:
    for key, manifest in revision.draft.writes.items():
        was = before[key]
        after: StoredObject | None = None
        if manifest is not None:
            after = StoredObject(manifest, revision.number, was.created if was else revision.number)
        if was is not None or after is not None:
            yield Event(key, revision.number, was, after)
