"""What the operator needs for one change, at 1,000 services and 200 lanes of 5 services each.

The operator runs in this process, as it does in a cluster; the API server is a process of its own
(in memory, over kmock). Time counts from the moment the operator is told of a change to the end of
the pass that carries it out: the pause for further changes, compiling, applying and reporting.

    make setup && .venv/bin/python bench/bench_reconcile.py
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from laneway.adapters.kube.client import Client
from laneway.adapters.kube.credentials import Credentials
from laneway.adapters.kube.resources import Resource
from laneway.control.reconciler import Pass
from laneway.wiring.operators import Observers, Operator, Settings, emitting

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.adapters.kube.api_servers import ApiServer, serving

LANES, SERVICES_A_LANE, PODS_A_SERVICE = 200, 5, 2
GENERATED = ("destinationrules", "virtualservices", "envoyfilters", "wasmplugins")

Object = dict[str, Any]


def service(name: str) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": 8000}]
    spec = {"selector": {"app": name}, "ports": ports}
    return _object("v1", "Service", name, spec, "default")


def lane(name: str, services: list[str]) -> Object:
    listed = [{"name": service} for service in services]
    spec = {"group": "g", "selector": {"version": name}, "services": listed}
    return _object("laneway.dev/v1alpha1", "Lane", name, spec)


def group(services: list[str], trace_header: str) -> Object:
    listed = [{"name": service} for service in services]
    spec = {"routeHeader": "x-lane", "traceHeader": trace_header, "services": listed}
    return _object("laneway.dev/v1alpha1", "LaneGroup", "g", spec)


def _object(api: str, kind: str, name: str, spec: Object, namespace: str = "") -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def endpoints(app: str, versions: list[str], *, ready: bool = True) -> Object:
    labels = {"kubernetes.io/service-name": app}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{app}-x", "namespace": "default", "labels": labels},
        "endpoints": [
            {"conditions": {"ready": ready}, "targetRef": {"name": f"{app}-{v}"}} for v in versions
        ],
    }


def services_of(number: int, names: list[str]) -> list[str]:
    start = number * SERVICES_A_LANE
    return [names[(start + offset) % len(names)] for offset in range(SERVICES_A_LANE)]


async def populate(api: ApiServer, names: list[str], trace_header: str) -> None:
    versions: dict[str, list[str]] = {name: ["base"] for name in names}
    lanes = {f"lane-{n:03}": services_of(n, names) for n in range(LANES)}
    for version, services in lanes.items():
        for name in services:
            versions[name].append(version)
    for name in names:
        await api.write("services", service(name))
        await api.write("endpointslices", endpoints(name, versions[name]))
        for version in versions[name]:
            labels = {"app": name, "version": version}
            metadata = {"name": f"{name}-{version}", "namespace": "default", "labels": labels}
            await api.write("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": metadata})
    await api.write("lanegroups", group(names, trace_header))
    await api.write("lanes", lane("base", names), created="2025-01-01T00:00:00Z")
    for version, services in lanes.items():
        await api.write("lanes", lane(version, services))


def server(pipe: Connection, services: int, trace_header: str) -> None:
    """The API server's process: tells its address, then carries out what it is asked to."""

    async def serve() -> None:
        names = [f"svc-{number:04}" for number in range(services)]
        async with serving() as api:
            api.forgetful = True
            await populate(api, names, trace_header)
            pipe.send(str(api.url).rstrip("/"))
            while request := await asyncio.to_thread(pipe.recv):
                for verb, *arguments in request:
                    await getattr(api, verb)(*arguments)
                pipe.send(None)

    asyncio.run(serve())


class Passes:
    """What the operator did since the last ``begin``."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.done = asyncio.Event()
        self.begin()

    def begin(self) -> None:
        self.began = 0.0
        self.calls.clear()
        self.done.clear()
        self.operations = self.passes = 0

    def changed(self, _: Resource) -> None:
        self.began = self.began or time.perf_counter()

    def called(self, verb: str, plural: str, code: int) -> None:
        if verb not in ("list", "watch") and plural != "leases":
            self.calls[f"{verb} {plural}"] += 1

    def passed(self, result: Pass, _: float) -> None:
        self.passes += 1
        self.operations += result.operations
        self.ended = time.perf_counter()
        if result.operations or result.reports or not self.operations:
            self.done.set()


async def measure(pipe: Connection, url: str, services: int) -> list[tuple[str, ...]]:
    names = [f"svc-{number:04}" for number in range(services)]
    rows: list[tuple[str, ...]] = []
    passes = Passes()

    def row(what: str) -> None:
        calls = sum(passes.calls.values())
        writes = sum(n for call, n in passes.calls.items() if call.endswith(GENERATED))
        took = f"{passes.ended - passes.began:.2f}"
        rows.append((what, took, str(passes.passes), str(writes), str(calls - writes), memory()))

    async def change(what: str, *request: tuple[Any, ...]) -> None:
        passes.begin()
        pipe.send(request)
        await asyncio.to_thread(pipe.recv)
        await passes.done.wait()
        await asyncio.sleep(1)  # whatever else it might do counts
        row(what)

    for what in ("first pass, nothing is there", "restart, all is there"):
        passes.begin()
        async with operating(url, passes):
            await passes.done.wait()
            row(what)
    async with operating(url, passes):
        await passes.done.wait()
        await asyncio.sleep(1)
        new = lane("new", services_of(7, names))
        await change("a lane of 5 services comes", ("write", "lanes", new))
        shorter = lane("new", services_of(7, names)[:4])
        await change("it loses a service *", ("write", "lanes", shorter))
        down = endpoints(names[0], ["base", "lane-000"], ready=False)
        await change("endpoints are not ready", ("write", "endpointslices", down))
        await change("the lane goes *", ("drop", "lanes", "", "new"))
        many = [lane(f"pr-{n}", services_of(n, names)) for n in range(100)]
        await change("100 lanes come", *(("write", "lanes", each) for each in many))
    return rows


@asynccontextmanager
async def operating(url: str, passes: Passes) -> AsyncIterator[None]:
    emit = emitting("http://laneway.laneway-system.svc.cluster.local:8080/module.wasm", "0" * 64)
    observers = Observers(passed=passes.passed, changed=passes.changed)
    async with Client(Credentials(url), called=passes.called) as client:
        task = asyncio.create_task(Operator(client, emit, Settings("bench"), observers).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def memory() -> str:
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return f"{pages * resource.getpagesize() / 1e6:.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--trace-header", default="my-request-id")
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    arguments = (theirs, options.services, options.trace_header)
    process = spawn.Process(target=server, args=arguments, daemon=True)
    process.start()
    try:
        rows = asyncio.run(measure(ours, ours.recv(), options.services))
    finally:
        ours.send(())
        process.join(10)
    title = (
        f"{options.services:,} services, {LANES} lanes of {SERVICES_A_LANE}; {os.cpu_count()} CPUs"
    )
    table = Table(title=title, caption="* includes the 2 s between switching and removing")
    for column in ("change", "seconds", "passes", "objects written", "reports", "memory"):
        table.add_column(column, justify="left" if column == "change" else "right")
    for each in rows:
        table.add_row(*each)
    Console().print(table)


if __name__ == "__main__":
    main()
