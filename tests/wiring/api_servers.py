"""The API with all its kinds over HTTP, in front of a store and a mesh in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from tests.control.declared.declared_states import Declaring, Machine

from laneway.adapters.files.yamls import one_document
from laneway.adapters.http.application import application
from laneway.adapters.http.authentication import Authentication
from laneway.adapters.http.certificates import server_context
from laneway.adapters.http.objects import ObjectEndpoints
from laneway.adapters.http.server import ApiServer, TcpEndpoint
from laneway.adapters.http.virtual_objects import VirtualEndpoints
from laneway.adapters.http.watches import Watches
from laneway.adapters.store.memory import MemoryStore
from laneway.apiserver.lane_status import Proxies
from laneway.apiserver.resources import served
from laneway.apiserver.tokens import minted
from laneway.apiserver.virtual_resources import VIRTUAL
from laneway.control.call_totals import CountedCalls
from laneway.control.proxies import ProxyStatus
from laneway.model.lane_figures import LaneFigures, LanePair
from laneway.model.lanes import Lane
from laneway.operator.ready_instances import Instances
from laneway.wiring.api_kinds import api_kinds
from laneway.wiring.live_lists import follow_all
from laneway.wiring.recent_events import RecentEvents
from laneway.wiring.reconciliation import Reconciliation
from laneway.wiring.request_trials import RequestTrials
from laneway.wiring.running_lists import RunningLists

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
V1 = "laneway.dev/v1alpha1"
API = "api.laneway.dev/v1alpha1"
ROOT = f"/apis/{API}"
LANES = f"/apis/{V1}/lanes"
MERGE = {"content-type": "application/merge-patch+json"}


@dataclass
class Api:
    """A client that may do everything, and what is behind the server, whose socket is in
    ``folder``."""

    client: httpx.AsyncClient
    store: MemoryStore
    declaring: Declaring
    reconciliation: Reconciliation
    proxies: list[ProxyStatus]
    figures: dict[LanePair, LaneFigures]
    folder: Path
    events: RecentEvents
    url: str = ""
    token: str = ""

    @property
    def machine(self) -> Machine:
        return self.declaring.machine

    async def ask(self, plural: str, kind: str, spec: Any, **query: str) -> httpx.Response:
        body = {"apiVersion": API, "kind": kind, "metadata": {}, "spec": spec}
        return await self.client.post(f"{ROOT}/{plural}", json=body, params=query)

    async def answered(self, plural: str, kind: str, spec: Any, **query: str) -> dict[str, Any]:
        """The status of an answer that is no refusal."""
        answer = await self.ask(plural, kind, spec, **query)
        assert answer.status_code == 201, answer.text
        status: dict[str, Any] = answer.json()["status"]
        return status

    async def refused(
        self, plural: str, kind: str, spec: Any, code: int, **query: str
    ) -> dict[str, Any]:
        answer = await self.ask(plural, kind, spec, **query)
        assert answer.status_code == code, answer.text
        failure: dict[str, Any] = answer.json()
        return failure

    async def apply(self, *objects: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        spec = {"source": "shop", "objects": list(objects), **more}
        return await self.answered("changesets", "ChangeSet", spec)

    def names(self) -> list[str]:
        return [key.name for key in self.store.objects]

    def lanes(self) -> list[str]:
        return [f"{lane.group}/{lane.name}" for lane in self.machine.mesh.lanes]

    async def settle(self) -> None:
        async with asyncio.timeout(30):
            await self.reconciliation.caught_up()


@asynccontextmanager
async def api(tls: Path | None = None, *, own_kinds: bool = True) -> AsyncIterator[Api]:
    """``tls`` is a folder for certificates: then the server also listens for TCP, and there is a
    token of an admin. Without ``own_kinds`` it is as a cluster, without ``api.laneway.dev``."""
    numbers = count(1)
    store, declaring = MemoryStore(lambda: NOW), Declaring()
    proxies: list[ProxyStatus] = []
    figures: dict[LanePair, LaneFigures] = {}

    def instances(lane: Lane) -> tuple[Instances, ...]:
        return tuple(Instances(service, 1, 1) for service in lane.services)

    async def read() -> Mapping[LanePair, LaneFigures]:
        return figures

    async def calls() -> CountedCalls:
        return CountedCalls()

    async def counted(node: str) -> dict[tuple[str, str, str], int]:
        return {}

    def uid() -> str:
        return f"uid-{next(numbers)}"

    declarations = declaring.declarations
    reconciliation = Reconciliation(
        store, declarations, lambda: Proxies(1, 1), instances, lambda: NOW, lambda text: None
    )
    recent = RecentEvents(store, lambda: NOW)
    recent.active = lambda: declarations.active
    lists = RunningLists(
        lambda: proxies, lambda: declarations.active, read, calls, recent.rejections
    )
    trials = RequestTrials(dict, tuple, counted)
    kinds = api_kinds(
        store,
        declarations,
        reconciliation,
        served(),
        lists,
        recent,
        lambda: NOW,
        uid,
        trials.answer,
    )
    watches = Watches(store, others=[each.watches for each in kinds.lists])
    virtual = VirtualEndpoints(VIRTUAL, kinds.answering, kinds.live, one_document, lambda: NOW)
    objects = ObjectEndpoints(store, watches, lambda: NOW, uid, one_document)
    more, shown = (virtual.routes, VIRTUAL) if own_kinds else ((), ())
    app = application(served(), objects, "1.2.3", more, shown)
    token, text = minted("ci", ["admin"], bytes(37), NOW, timedelta(days=1))
    guarded = Authentication(app, {token.id: token}, "jack", (), lambda: NOW)
    tcp = TcpEndpoint("127.0.0.1", 0, server_context(tls, (), datetime.now(UTC))) if tls else None
    running = asyncio.gather(reconciliation.run(), follow_all(kinds.lists))
    await asyncio.sleep(0)
    try:
        with TemporaryDirectory(prefix="laneway-") as folder:
            path = Path(folder, "api.sock")
            async with ApiServer(guarded, path, tcp) as server:
                transport = httpx.AsyncHTTPTransport(uds=str(path))
                async with httpx.AsyncClient(
                    transport=transport, base_url="http://laneway", timeout=30
                ) as client:
                    url = f"https://127.0.0.1:{server.port}" if tls else ""
                    yield Api(
                        client,
                        store,
                        declaring,
                        reconciliation,
                        proxies,
                        figures,
                        Path(folder),
                        recent,
                        url,
                        text,
                    )
                watches.close()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def manifest(kind: str, name: str, spec: dict[str, Any], api: str = V1) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def lane(name: str, group: str = "shop", **spec: Any) -> dict[str, Any]:
    return manifest("Lane", name, {"group": group, "selector": {"version": name}, **spec})


def group(**spec: Any) -> dict[str, Any]:
    ingress = [{"name": "all", "destination": "web"}]
    declared = {
        "gateway": "entry",
        "routeHeader": "x-lane",
        "traceHeader": "x-request-id",
        "services": ["web", "cart"],
        "ingress": ingress,
        **spec,
    }
    return manifest("LaneGroup", "shop", declared)


def service(name: str) -> dict[str, Any]:
    return manifest("Service", name, {"selector": {"app": name}, "ports": [{"port": 80}]}, "v1")


def workload(name: str, version: str, calls: str = "") -> dict[str, Any]:
    env = {"NEXT": f"http://{calls}/"} if calls else {}
    spec = {"command": ["true"], "env": env, "ports": [{"port": 80}]}
    made = manifest("Workload", f"{name}-{version}", spec)
    made["metadata"]["labels"] = {"app": name, "version": version}
    return made


ENTRY = manifest(
    "Gateway",
    "entry",
    {"servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}]},
    "networking.istio.io/v1",
)
#: A lane group whose baseline ``z`` is its first lane, but not by its name.
SHOP = (service("web"), service("cart"), ENTRY, group(), lane("z"), lane("s1"))
