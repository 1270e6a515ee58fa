"""What the operator needs for one change, at 1,000 services and 200 lanes of 5 services each.

The operator runs in this process, as it does in a cluster; the API server is another: in memory
(over kmock), or, with ``--kubeconfig``, a real one that has Istio's CRDs and laneway's, and no
lanes yet. Time counts from the moment the operator is told of a change to the end of the pass that
carries it out: the pause for further changes, compiling, applying and reporting. "CPU s" is what
this process used for it, which other load on the machine does not change much.

    make develop && .venv/bin/python -m bench.bench_reconcile [--kubeconfig FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from bench.reports import Report
from tests.adapters.kube.api_servers import ApiServer, serving
from tests.cluster.administrators import administrating
from tests.cluster.sandboxes import Sandbox, obstacle, sandbox

from laneway.adapters.kube import credentials
from laneway.adapters.kube.client import Client
from laneway.adapters.kube.credentials import Credentials
from laneway.adapters.kube.resources import Resource
from laneway.filter import module_path
from laneway.operator.reconciler import Pass
from laneway.wiring.dialects import istio
from laneway.wiring.operators import Observers, Operator, Settings

LANES, SERVICES_A_LANE = 200, 5
#: Objects of one resource that are written at once.
CONCURRENCY = 32
GENERATED = ("destinationrules", "virtualservices", "envoyfilters", "wasmplugins")

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AdmissionContext:
    """The objects of the mesh, in one namespace."""

    namespace: str
    names: tuple[str, ...]
    trace_header: str

    def service(self, name: str) -> Object:
        ports = [{"name": "http", "port": 80, "targetPort": 8000}]
        spec = {"selector": {"app": name}, "ports": ports}
        return self._object("v1", "Service", name, spec, self.namespace)

    def lane(self, name: str, services: Iterable[str]) -> Object:
        spec = {"group": "g", "selector": {"version": name}, "services": self._listed(services)}
        return self._object("laneway.dev/v1alpha1", "Lane", name, spec)

    def group(self) -> Object:
        spec = {
            "routeHeader": "x-lane",
            "traceHeader": self.trace_header,
            "baseline": "base",
            "services": self._listed(self.names),
        }
        return self._object("laneway.dev/v1alpha1", "LaneGroup", "g", spec)

    def endpoints(self, app: str, versions: Iterable[str], *, ready: bool = True) -> Object:
        metadata = {"name": f"{app}-x", "namespace": self.namespace}
        return {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": {"kubernetes.io/service-name": app}},
            "addressType": "IPv4",
            "ports": [],
            "endpoints": [
                {
                    "addresses": ["192.0.2.1"],
                    "conditions": {"ready": ready},
                    "targetRef": {"name": f"{app}-{version}"},
                }
                for version in versions
            ],
        }

    def pod(self, app: str, version: str) -> Object:
        """One that no scheduler touches."""
        spec = {
            "schedulingGates": [{"name": "laneway.dev/never"}],
            "containers": [{"name": "none", "image": "none"}],
        }
        made = self._object("v1", "Pod", f"{app}-{version}", spec, self.namespace)
        made["metadata"]["labels"] = {"app": app, "version": version}
        return made

    def services_of(self, number: int) -> list[str]:
        start = number * SERVICES_A_LANE
        return [self.names[(start + n) % len(self.names)] for n in range(SERVICES_A_LANE)]

    def all(self) -> list[tuple[str, Object]]:
        """By resource, in an order in which they may be made."""
        versions: dict[str, list[str]] = {name: ["base"] for name in self.names}
        lanes = {f"lane-{n:03}": self.services_of(n) for n in range(LANES)}
        for version, services in lanes.items():
            for name in services:
                versions[name].append(version)
        made = [("services", self.service(name)) for name in self.names]
        for name, ones in versions.items():
            made.append(("endpointslices", self.endpoints(name, ones)))
            made += [("pods", self.pod(name, version)) for version in ones]
        made += [("lanegroups", self.group()), ("lanes", self.lane("base", self.names))]
        return made + [("lanes", self.lane(name, of)) for name, of in lanes.items()]

    def _listed(self, services: Iterable[str]) -> list[Object]:
        return [{"name": service, "namespace": self.namespace} for service in services]

    @staticmethod
    def _object(api: str, kind: str, name: str, spec: Object, namespace: str = "") -> Object:
        metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
        return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


class Others(Protocol):
    """What other clients do at the API server."""

    async def write(self, items: Iterable[tuple[str, Object]]) -> None: ...

    async def drop(self, item: tuple[str, Object]) -> None: ...


def server(pipe: Connection) -> None:
    """The mock's process: tells its address, then carries out what it is asked to."""

    async def serve() -> None:
        async with serving() as api:
            api.forgetful = True
            pipe.send(str(api.url).rstrip("/"))
            while request := await asyncio.to_thread(pipe.recv):
                verb, *arguments = request
                await _HANDLERS[verb](api, *arguments)
                pipe.send(None)

    asyncio.run(serve())


async def _write(api: ApiServer, items: Iterable[tuple[str, Object]]) -> None:
    for plural, item in items:
        await api.write(plural, item)


async def _drop(api: ApiServer, plural: str, item: Object) -> None:
    await api.drop(plural, item["metadata"].get("namespace", ""), item["metadata"]["name"])


_HANDLERS: Mapping[str, Callable[..., Awaitable[None]]] = {"write": _write, "drop": _drop}


@dataclass(frozen=True, slots=True)
class Mock:
    pipe: Connection

    async def write(self, items: Iterable[tuple[str, Object]]) -> None:
        await self._ask("write", list(items))

    async def drop(self, item: tuple[str, Object]) -> None:
        await self._ask("drop", *item)

    async def _ask(self, *request: Any) -> None:
        self.pipe.send(request)
        await asyncio.to_thread(self.pipe.recv)


@dataclass(frozen=True, slots=True)
class Real:
    place: Sandbox

    async def write(self, items: Iterable[tuple[str, Object]]) -> None:
        """Many at a time, but one resource after the other."""
        by_resource: dict[str, list[Object]] = {}
        for plural, item in items:
            by_resource.setdefault(plural, []).append(item)
        for some in by_resource.values():
            for start in range(0, len(some), CONCURRENCY):
                part = some[start : start + CONCURRENCY]
                await asyncio.gather(*map(self.place.admin.apply, part))

    async def drop(self, item: tuple[str, Object]) -> None:
        await self.place.admin.delete(item[1])


class Passes:
    """What the operator did since the last ``begin``."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.done = asyncio.Event()
        self.told = 0.0
        self.begin()

    def begin(self) -> None:
        self.began = 0.0
        self.calls.clear()
        self.done.clear()
        self.operations = self.passes = 0
        self.cpu = time.process_time()

    def changed(self, _: Resource) -> None:
        self.told = time.perf_counter()
        self.began = self.began or self.told

    async def quiet(self) -> None:
        """Until nothing was told for a second: the cluster's own controllers may be busy."""
        self.told = time.perf_counter()
        while (left := self.told + 1 - time.perf_counter()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)

    def called(self, verb: str, plural: str, code: int) -> None:
        if verb not in ("list", "watch") and plural != "leases":
            self.calls[f"{verb} {plural}"] += 1

    def passed(self, result: Pass, _: float) -> None:
        self.passes += 1
        self.operations += result.operations
        self.ended = time.perf_counter()
        if result.operations or result.reports or not self.operations:
            self.done.set()


async def measure(
    others: Others, url: Credentials, land: AdmissionContext, namespace: str
) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    passes = Passes()

    def row(what: str) -> None:
        calls = sum(passes.calls.values())
        writes = sum(n for call, n in passes.calls.items() if call.endswith(GENERATED))
        took = f"{passes.ended - passes.began:.2f}"
        cpu = f"{time.process_time() - passes.cpu:.2f}"
        numbers = (str(number) for number in (passes.passes, writes, calls - writes))
        rows.append((what, took, cpu, *numbers, memory()))

    async def change(what: str, *items: tuple[str, Object], gone: bool = False) -> None:
        await passes.quiet()
        passes.begin()
        await (others.drop(items[0]) if gone else others.write(items))
        await passes.done.wait()
        await asyncio.sleep(1)  # whatever else it might do counts
        row(what)

    for what in ("first pass, nothing is there", "restart, all is there"):
        passes.begin()
        async with operating(url, passes, namespace):
            await passes.done.wait()
            row(what)
    async with operating(url, passes, namespace):
        await passes.done.wait()
        services = land.services_of(7)
        await change("a lane of 5 services comes", ("lanes", land.lane("new", services)))
        await change("it loses a service *", ("lanes", land.lane("new", services[:4])))
        down = land.endpoints(land.names[0], ["base", "lane-000"], ready=False)
        await change("endpoints are not ready", ("endpointslices", down))
        await change("the lane goes *", ("lanes", land.lane("new", services)), gone=True)
        many = [land.lane(f"pr-{n}", land.services_of(n)) for n in range(100)]
        await change("100 lanes come", *(("lanes", each) for each in many))
    return rows


@asynccontextmanager
async def operating(found: Credentials, passes: Passes, namespace: str) -> AsyncIterator[None]:
    dialect = istio(module_path().read_bytes(), namespace)
    observers = Observers(passed=passes.passed, changed=passes.changed)
    settings = Settings("bench", namespace)
    async with Client(found, called=passes.called) as client:
        task = asyncio.create_task(Operator(client, dialect, settings, observers).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def in_memory(names: tuple[str, ...], trace_header: str) -> list[tuple[str, ...]]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=server, args=(theirs,), daemon=True
    )
    process.start()
    try:
        url = Credentials(ours.recv())
        land = AdmissionContext("default", names, trace_header)
        await Mock(ours).write(land.all())
        return await measure(Mock(ours), url, land, "laneway-system")
    finally:
        ours.send(())
        process.join(10)


async def on_cluster(names: tuple[str, ...], trace_header: str) -> list[tuple[str, ...]]:
    """In a namespace that is deleted at the end, as are the lanes; generated objects with them."""
    with tempfile.TemporaryDirectory() as folder:
        async with administrating(credentials.find()) as admin:
            if why := await obstacle(admin):
                sys.exit(why)
        async with sandbox(Path(folder)) as place:
            others, land = Real(place), AdmissionContext(place.namespace, names, trace_header)
            try:
                await others.write(land.all())
                found = credentials.read(place.kubeconfig)
                return await measure(others, found, land, place.namespace)
            finally:
                for kind in ("LaneGroup", "Lane"):
                    for item in await place.admin.list("laneway.dev/v1alpha1", kind):
                        await place.admin.delete(item)


def memory() -> str:
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return f"{pages * resource.getpagesize() / 1e6:.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--trace-header", default="my-request-id")
    parser.add_argument("--kubeconfig", help="of a real API server")
    options = parser.parse_args()
    names = tuple(f"svc-{number:04}" for number in range(options.services))
    if options.kubeconfig:
        os.environ["KUBECONFIG"] = options.kubeconfig
    run = on_cluster if options.kubeconfig else in_memory
    rows = asyncio.run(run(names, options.trace_header))
    title = (
        f"{options.services:,} services, {LANES} lanes of {SERVICES_A_LANE}; {os.cpu_count()} CPUs"
    )
    columns = ("change", "seconds", "CPU s", "passes", "objects written", "reports", "memory")
    caption = "* includes the 2 s between switching and removing"
    Report("reconcile", columns, title, caption, rows=list(rows)).publish()


if __name__ == "__main__":
    main()
