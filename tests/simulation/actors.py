"""Clients of the API, which write what they like, and the one that puts everything right."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.simulation import manifests
from tests.simulation.api_clients import MERGE, Answer, Connections, Unanswered
from tests.simulation.invariants import Ledger
from tests.simulation.manifests import COUNT, GROUP, MARK, POISON, SERVICES, key_of, path_of
from tests.simulation.runners import MISSING, NEVER_READY
from tests.simulation.traces import Trace

from laneway.control.revisions import ObjectId
from laneway.model.times import timestamp

Action = Callable[[], Awaitable[None]]

LANES = ("s1", "s2", "s3")
_CHANGE_SETS = "/apis/api.laneway.dev/v1alpha1/changesets"


@dataclass(frozen=True)
class Surroundings:
    """What clients have in common. ``mark`` makes a new mark; ``latest`` is the number of the last
    revision on the disk; ``refused`` hears of the mark of a change set that was refused."""

    connections: Connections
    ledger: Ledger
    trace: Trace
    mark: Callable[[], str]
    latest: Callable[[], int]
    refused: Callable[[str], None]
    now: Callable[[], datetime]


class Client:
    """``harm`` says how likely a write is one that is invalid, refused, or cannot be started;
    ``lives`` how likely a lane is one that expires."""

    def __init__(
        self,
        name: str,
        surroundings: Surroundings,
        random: Random,
        harm: float = 0.0,
        lives: float = 0.0,
    ) -> None:
        self.name = name
        self._connections = surroundings.connections
        self._ledger = surroundings.ledger
        self._trace = surroundings.trace
        self._mark = surroundings.mark
        self._latest = surroundings.latest
        self._refused = surroundings.refused
        self._now = surroundings.now
        self._random = random
        self._harm = harm
        self._lives = lives

    @property
    def actions(self) -> list[Action]:
        return [
            self._write_lane,
            self._write_lane,
            self._change_lane,
            self._delete_lane,
            self._write_workload,
            self._delete_workload,
            self._write_many,
            self._write_many,
            self._write_many,
        ]

    async def act(self, times: int, pause: float) -> None:
        """Write something, so often."""
        for _ in range(times):
            await asyncio.sleep(self._random.expovariate(1 / pause))
            await self._random.choice(self.actions)()

    async def declare_first(self) -> None:
        mark = self._mark()
        await self._apply(manifests.first_objects(mark), mark)

    async def put_right(self) -> None:
        """Take out all that cannot be brought about, and write a lane once more."""
        await self._connections.all_handled()
        kinds = ("Lane", "Workload")
        lists = [await self._until_answered("GET", path_of(kind)) for kind in kinds]
        items = [item for listed in lists for item in listed.document["items"]]
        sound = {key_of(item) for item in items if not manifests.is_harmful(item)}
        await self._put_baselines_right(sound)
        for item in items:
            if key_of(item) not in sound:
                path = path_of(item["kind"], item["metadata"]["name"])
                await self._until_answered("DELETE", path)
        mark = self._mark()
        lane = manifests.lane("base", mark)
        await self._until_answered("PATCH", path_of("Lane", "base"), lane, MERGE)

    async def write_brief_lane(self, seconds: float) -> None:
        """One that expires, and that nobody touches again."""
        lane = manifests.lane("brief", self._mark(), expires=self._in(seconds))
        await self._until_answered("POST", path_of("Lane"), lane)

    async def _put_baselines_right(self, sound: Collection[ObjectId]) -> None:
        group = await self._until_answered("GET", path_of("LaneGroup", GROUP))
        for service, lane in group.document["spec"].get("serviceBaselines", {}).items():
            workload = manifests.workload(service, lane, "")
            if not {key_of(workload), key_of(manifests.lane(lane, ""))} <= {*sound}:
                patch = {"spec": {"serviceBaselines": {service: None}}}
                path = path_of("LaneGroup", GROUP)
                await self._until_answered("PATCH", path, patch, MERGE)

    async def _write_lane(self) -> None:
        """Create it, or replace it whole whatever it is."""
        mark = self._mark()
        lane = self._some_lane(mark)
        path = path_of("Lane", lane["metadata"]["name"])
        there = await self._ask("GET", path)
        if there is None:
            return
        if there.ok:
            await self._write("PUT", path, lane, mark)
        else:
            await self._write("POST", path_of("Lane"), lane, mark)

    async def _change_lane(self) -> None:
        mark = self._mark()
        lane = self._some_lane(mark)
        path = path_of("Lane", lane["metadata"]["name"])
        await self._write("PATCH", path, lane, mark, MERGE)

    async def _delete_lane(self) -> None:
        await self._delete(manifests.lane(self._random.choice(LANES), ""))

    async def _write_workload(self) -> None:
        mark = self._mark()
        workload = self._some_workload(mark)
        path = path_of("Workload", workload["metadata"]["name"])
        answer = await self._write("PATCH", path, workload, mark, MERGE)
        if answer is not None and answer.code == 404:
            again = self._mark()
            workload["metadata"]["annotations"][MARK] = again
            await self._write("POST", path_of("Workload"), workload, again)

    async def _delete_workload(self) -> None:
        service, version = self._random.choice(SERVICES), self._random.choice(LANES)
        await self._delete(manifests.workload(service, version, ""))

    async def _write_many(self) -> None:
        """Valid and applied whole, or refused whole."""
        mark = self._mark()
        versions = self._random.sample(LANES, self._random.choice((1, 2)))
        objects = [self._some_lane(mark, version) for version in versions]
        objects += [self._some_workload(mark, version) for version in versions[:1]]
        await self._apply(objects, mark)

    async def _apply(self, objects: list[dict[str, Any]], mark: str) -> None:
        spec = {"source": self.name, "objects": objects, "force": True}
        body = {
            "apiVersion": "api.laneway.dev/v1alpha1",
            "kind": "ChangeSet",
            "metadata": {},
            "spec": spec,
        }
        self._ledger.written[mark] = frozenset(map(key_of, objects))
        answer = await self._ask("POST", _CHANGE_SETS, body, about=mark)
        if answer is None:
            return
        if answer.ok:
            self._ledger.acknowledged[mark] = int(answer.document["status"]["revision"])
        else:
            self._ledger.refused.add(mark)
            self._refused(mark)

    async def _write(
        self,
        method: str,
        path: str,
        body: dict[str, Any],
        mark: str,
        kind: str = "application/json",
    ) -> Answer | None:
        self._ledger.written[mark] = frozenset({key_of(body)})
        answer = await self._ask(method, path, body, kind, about=mark)
        if answer is not None and answer.ok:
            revision = int(answer.document["metadata"]["resourceVersion"])
            self._ledger.acknowledged[mark] = revision
        elif answer is not None:
            self._ledger.refused.add(mark)
        return answer

    async def _delete(self, manifest: dict[str, Any]) -> None:
        key: ObjectId = key_of(manifest)
        before = self._latest()
        path = path_of(manifest["kind"], manifest["metadata"]["name"])
        answer = await self._ask("DELETE", path)
        if answer is not None and answer.ok:
            self._ledger.deleted.append((key, before, self._latest()))

    async def _ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        kind: str = "application/json",
        about: str = "",
    ) -> Answer | None:
        """None if there is no answer."""
        what = f"{method} {path.rpartition('/')[2]} {about}"
        if method != "GET":
            self._trace.add(self.name, what)
        try:
            answer = await self._connections.request(method, path, body, kind)
        except Unanswered as error:
            self._trace.add(self.name, f"{what}: {error}")
            if not error.sent and about:
                self._ledger.refused.add(about)
            return None
        if method != "GET":
            said = answer.document.get("message", "") if not answer.ok else ""
            self._trace.add(self.name, f"{what}: {answer.code} {said[:200]}")
        return answer

    async def _until_answered(
        self, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> Answer:
        while True:
            answer = await self._ask(method, path, body, kind)
            if answer is not None and (answer.ok or answer.code == 404):
                return answer
            await asyncio.sleep(1.0)

    def _some_lane(self, mark: str, name: str = "") -> dict[str, Any]:
        name = name or self._random.choice(LANES)
        harm = self._random.random()
        if harm < self._harm / 3:
            return manifests.lane(name, mark, invalid=True)
        if harm < self._harm * 2 / 3:
            return manifests.lane(name, mark, poison=True)
        if harm < self._harm:
            return manifests.lane(POISON, mark)
        if self._random.random() < self._lives:
            expires = self._in(self._random.choice((1.0, 5.0, 20.0)))
            return manifests.lane(name, mark, expires=expires)
        return manifests.lane(name, mark)

    def _in(self, seconds: float) -> str:
        return timestamp(self._now() + timedelta(seconds=seconds))

    def _some_workload(self, mark: str, version: str = "") -> dict[str, Any]:
        version = version or self._random.choice((*LANES, "base"))
        command = "run"
        if version != "base" and self._random.random() < self._harm / 2:
            command = self._random.choice((MISSING, NEVER_READY))
        return manifests.workload(self._random.choice(SERVICES), version, mark, command)


class CountingClient(Client):
    """Counts, too: two of them at once must not overwrite each other."""

    @property
    def actions(self) -> list[Action]:
        return [*super().actions, self._count]

    async def _count(self) -> None:
        """Read, add one, and write what was read: refused if somebody else wrote meanwhile."""
        path = path_of("LaneGroup", GROUP)
        there = await self._ask("GET", path)
        if there is None or not there.ok:
            return
        group, mark = there.document, self._mark()
        annotations = group["metadata"]["annotations"]
        annotations |= {MARK: mark, COUNT: str(int(annotations.get(COUNT, "0")) + 1)}
        group.pop("status", None)
        answer = await self._write("PUT", path, group, mark)
        if answer is None:
            self._ledger.perhaps_counted += 1
        elif answer.ok:
            self._ledger.counted += 1
