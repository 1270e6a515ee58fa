"""Clients that watch a kind of objects, and resume where a watch ended.

Each event is compared with the disk: a watcher sees every revision that writes an object of its
kind, once and in order, or is told that the history does not reach back that far.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from tests.simulation.api_clients import Connections, Unanswered
from tests.simulation.manifests import path_of, resource_of
from tests.simulation.stores import Disk
from tests.simulation.traces import Trace

from laneway.adapters.http.watches import Event
from laneway.apiserver.writes import shown
from laneway.control.revisions import ObjectId, StoredObject, write

_END_OF_INITIAL = "k8s.io/initial-events-end"


class Watcher:
    """``violated`` hears what must not be."""

    def __init__(
        self,
        name: str,
        kind: str,
        connections: Connections,
        disk: Disk,
        random: Random,
        trace: Trace,
        violated: Callable[[str], None],
    ) -> None:
        self.name = name
        self._path = path_of(kind)
        self._connections = connections
        self._disk = disk
        self._random = random
        self._trace = trace
        self._violated = violated
        self._expected = ExpectedEvents(disk, resource_of(kind))
        self._position: int | None = None
        #: Seconds for each event: what it does with it.
        self._takes = random.choice((0.0, 0.0, 0.3))

    async def run(self) -> None:
        while True:
            try:
                if self._position is not None:
                    await self._watch(f"resourceVersion={self._position}")
                elif self._random.random() < 0.5:
                    await self._list()
                else:
                    await self._watch("sendInitialEvents=true&resourceVersionMatch=NotOlderThan")
            except Unanswered:
                pass
            await asyncio.sleep(self._random.uniform(0.05, 1.0))

    def behind(self) -> Iterator[str]:
        """What it has not seen yet."""
        if self._position is None:
            yield f"{self.name} has not listed anything"
        elif (event := self._expected.peek()) is not None:
            yield f"{self.name} is at {self._position} and has not seen {_told(event)}"

    async def _list(self) -> None:
        answer = await self._connections.request("GET", self._path)
        if answer.ok:
            self._take_all(answer.document["metadata"], answer.document["items"])

    async def _watch(self, query: str) -> None:
        seconds = self._random.choice((5, 30, 300))
        query = f"{query}&watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}"
        exchange = await self._connections.open("GET", f"{self._path}?{query}")
        if await exchange.code == 410:
            self._trace.add(self.name, f"cannot resume from {self._position}")
            if self._position is None or self._position >= self._disk.compacted:
                self._violated(f"{self.name} cannot resume from {self._position}")
            self._position = None
            return
        initial: list[Mapping[str, Any]] | None = [] if self._position is None else None
        async for line in exchange.lines():
            kind, metadata = line["type"], line["object"]["metadata"]
            if initial is not None and kind == "BOOKMARK":
                assert _END_OF_INITIAL in metadata["annotations"]
                self._take_all(metadata, initial)
                initial = None
            elif initial is not None:
                initial.append(line["object"])
            elif kind == "BOOKMARK":
                self._pass(int(metadata["resourceVersion"]))
            else:
                self._take(kind, line["object"])
                await asyncio.sleep(self._takes)

    def _take_all(self, metadata: Mapping[str, Any], items: list[Mapping[str, Any]]) -> None:
        self._position = int(metadata["resourceVersion"])
        self._trace.add(self.name, f"has all objects as of {self._position}")
        seen = {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in items}
        objects = self._expected.begin(self._position)
        there = {key.name: str(stored.revision) for key, stored in objects.items()}
        if seen != there:
            self._violated(f"{self.name} sees {seen} at {self._position}, and there is {there}")

    def _pass(self, position: int) -> None:
        event = self._expected.peek()
        if event is not None and event.revision <= position:
            self._violated(f"{self.name} is told of {position}, and not of {_told(event)}")
        self._position = position

    def _take(self, kind: str, seen: Mapping[str, Any]) -> None:
        name, number = seen["metadata"]["name"], int(seen["metadata"]["resourceVersion"])
        self._trace.add(self.name, f"sees {kind} {name} of {number}")
        self._position = number
        event = self._expected.next()
        if event is None or _told(event) != f"{kind} {name} of {number}":
            expected = _told(event) if event else "nothing"
            self._violated(f"{self.name} sees {kind} {name} of {number} instead of {expected}")
            self._expected.begin(number)
        elif event.after is not None and seen != shown(event.after):
            self._violated(f"{self.name} sees something else than {event.after.manifest}: {seen}")


class ExpectedEvents:
    """The changes to the objects of one resource, from the disk."""

    def __init__(self, disk: Disk, resource: str) -> None:
        self._disk = disk
        self._resource = resource
        self._objects: dict[ObjectId, StoredObject] = {}
        self._read = 0
        self._events: deque[Event] = deque()

    def begin(self, number: int) -> Mapping[ObjectId, StoredObject]:
        """The objects as of the revision, from which the events go on."""
        self._objects, self._read = {}, 0
        while self._read < number:
            self._read_one()
        self._events.clear()
        return self._objects

    def peek(self) -> Event | None:
        while not self._events and self._read < len(self._disk.revisions):
            self._read_one()
        return self._events[0] if self._events else None

    def next(self) -> Event | None:
        return self._events.popleft() if self.peek() else None

    def _read_one(self) -> None:
        revision = self._disk.revisions[self._read]
        self._read += 1
        before = dict(self._objects)
        write(self._objects, revision.number, revision.draft)
        for key in revision.draft.writes:
            was, now = before.get(key), self._objects.get(key)
            if key.resource != self._resource:
                self._objects.pop(key, None)
            elif was or now:
                self._events.append(Event(key, revision.number, was, now))


def _told(event: Event) -> str:
    kind = "DELETED" if not event.after else "MODIFIED" if event.before else "ADDED"
    return f"{kind} {event.key.name} of {event.revision}"
