"""A store whose objects are brought about on a mesh in memory, and objects to write to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from tests.control.declared.declared_states import Declaring, Machine

from laneway.adapters.store.memory import MemoryStore
from laneway.apiserver.lane_status import Proxies
from laneway.control.revisions import Draft, ObjectId
from laneway.model.lanes import Lane
from laneway.operator.ready_instances import Instances
from laneway.wiring.reconciliation import Reconciliation

V1 = "laneway.dev/v1alpha1"


class Serving:
    """A store whose objects are brought about on a mesh in memory."""

    def __init__(self, store: MemoryStore | None = None, *, started: bool = True) -> None:
        self.store = store or MemoryStore(lambda: datetime(2026, 1, 1, tzinfo=UTC))
        self.declaring = Declaring(lambda: self.now)
        self.proxies = Proxies(3, 3)
        self.ready = 1
        self.problems: tuple[str, ...] = ()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.reports: list[str] = []
        self.reconciliation = Reconciliation(
            self.store,
            self.declaring.declarations,
            lambda: self.proxies,
            self._instances,
            lambda: self.now,
            self.reports.append,
            started=started,
        )

    @property
    def machine(self) -> Machine:
        return self.declaring.machine

    def _instances(self, lane: Lane) -> tuple[Instances, ...]:
        return tuple(Instances(service, self.ready, 1, self.problems) for service in lane.services)

    async def write(self, **objects: dict[str, Any] | None) -> None:
        """One revision for each object, all of them submitted at once."""
        waiting = []
        for name, manifest in objects.items():
            known = {key.name: key for key in self.store.submitted_objects}
            key = known.get(name) or key_of(name, manifest)
            if manifest is not None and name in known:
                standing = self.store.submitted_objects[key].manifest
                manifest = {**manifest, "status": standing.get("status", {})}
            draft = Draft({key: manifest}, "jack", "kubectl")
            waiting.append(asyncio.create_task(self._append(draft)))
            await asyncio.sleep(0)
        revisions = await asyncio.gather(*waiting)
        async with asyncio.timeout(30):
            await self.reconciliation.reached(max(revisions))

    async def _append(self, draft: Draft) -> int:
        return (await self.store.append(draft, expected=self.store.submitted)).number

    def conditions(self, name: str) -> dict[str, tuple[str, str]]:
        (stored,) = [each for key, each in self.store.objects.items() if key.name == name]
        status = stored.manifest.get("status", {})
        return {c["type"]: (c["status"], c["reason"]) for c in status.get("conditions", ())}

    async def reach(self, moment: datetime) -> None:
        """Lanes that end by then are taken out, and statuses are written."""
        self.now = moment
        await self.declaring.declarations.renew()
        await self.write(other=manifest("Service", "other", WEB["spec"], "v1"))

    def message(self, name: str, condition: str) -> str:
        (stored,) = [each for key, each in self.store.objects.items() if key.name == name]
        conditions = {c["type"]: c for c in stored.manifest["status"]["conditions"]}
        return str(conditions[condition]["message"])

    def baseline(self) -> str:
        """Of the group shop, as its status has it."""
        (stored,) = [each for key, each in self.store.objects.items() if key.name == "shop"]
        return str(stored.manifest["status"].get("baseline"))

    def lanes(self) -> list[str]:
        return [f"{lane.group}/{lane.name}" for lane in self.machine.mesh.lanes]


def key_of(name: str, manifest: Mapping[str, Any] | None) -> ObjectId:
    assert manifest is not None
    group = manifest["apiVersion"].rpartition("/")[0]
    resource = f"{manifest['kind'].lower()}s" + (f".{group}" if group else "")
    return ObjectId(resource, manifest["metadata"].get("namespace", ""), name)


def manifest(kind: str, name: str, spec: dict[str, Any], api: str = V1) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "generation": 1, "uid": "x"}
    if kind in ("Service", "Gateway"):
        metadata["namespace"] = "default"
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def lane(name: str, group: str = "shop", **spec: Any) -> dict[str, Any]:
    return manifest("Lane", name, {"group": group, "selector": {"version": name}, **spec})


def group(**spec: Any) -> dict[str, Any]:
    ingress = [{"name": "all", "destination": "web"}]
    return manifest(
        "LaneGroup",
        "shop",
        {
            "gateway": "entry",
            "routeHeader": "x-lane",
            "traceHeader": "x-request-id",
            "services": ["web"],
            "ingress": ingress,
            **spec,
        },
    )


WEB = manifest("Service", "web", {"selector": {"app": "web"}, "ports": [{"port": 80}]}, "v1")
ENTRY = manifest(
    "Gateway",
    "entry",
    {"servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}]},
    "networking.istio.io/v1",
)
ALL_TRUE = {
    "Accepted": ("True", "Valid"),
    "Programmed": ("True", "AcknowledgedByProxies"),
    "Ready": ("True", "InstancesReady"),
}


@asynccontextmanager
async def serving(store: MemoryStore | None = None, **options: bool) -> AsyncIterator[Serving]:
    made = Serving(store, **options)
    task = asyncio.create_task(made.reconciliation.run())
    await asyncio.sleep(0)
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
