"""``laneway serve``: durable writes, a start from a large store, and clients with bad tokens.

*Durable write*: one revision of a lane after another, each kept before the next is submitted,
against the same bytes appended to a file with ``fdatasync``, twice, so that the second one tells
how far apart equal things are here.
*Start*: a store of many revisions is opened, and then served with some real proxies, against the
same mesh started twice without store and API.
*Bad tokens*: a client with a valid token asks for a lane over TLS, while others send invalid tokens
as fast as they are answered.

    make develop && .venv/bin/python -m bench.bench_serve
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from bench.reports import Report

from laneway.adapters.store.sqlite import SqliteStore
from laneway.apiserver.tokens import minted
from laneway.control.revisions import Draft, ObjectId
from laneway.wiring.embedded import Embedded, Settings
from laneway.wiring.logs import log_to_stderr
from laneway.wiring.serving import ServeSettings, Serving
from laneway.wiring.stored_declarations import declared_at_start

V1 = "laneway.dev/v1alpha1"
LANES = f"/apis/{V1}/lanes"
SERVER = (
    "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port=$(PORT), bind='127.0.0.1')"
)


def now() -> datetime:
    return datetime.now(UTC)


def manifest(api: str, kind: str, name: str, spec: Any, namespace: str = "", **labels: str) -> Any:
    metadata = {"name": name, "uid": name, "generation": 1, "creationTimestamp": "2026-01-01"}
    metadata |= {"namespace": namespace} if namespace else {}
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {**metadata, **({"labels": labels} if labels else {})},
        "spec": spec,
    }


def lane(number: int, services: Sequence[str], weight: int = 0) -> tuple[ObjectId, Any]:
    name = f"lane-{number:03}" if number else "base"
    spec: dict[str, Any] = {"group": "shop", "selector": {"version": name}}
    if number:
        mine = [services[(number * 5 + n) % len(services)] for n in range(5)]
        spec = {**spec, "services": mine, "weight": weight}
    return ObjectId("lanes.laneway.dev", "", name), manifest(V1, "Lane", name, spec)


def objects(services: int, lanes: int, proxies: int) -> dict[ObjectId, Any]:
    """A group of all services; the first ones have a workload in the baseline."""
    names = [f"s{number:04}" for number in range(services)]
    made: dict[ObjectId, Any] = {}
    server: dict[str, Any] = {
        "port": {"number": 80, "name": "http", "protocol": "HTTP"},
        "hosts": ["*"],
    }
    gateways = ObjectId("gateways.networking.istio.io", "default", "entry")
    made[gateways] = manifest(
        "networking.istio.io/v1", "Gateway", "entry", {"servers": [server]}, "default"
    )
    for name in names:
        spec = {"selector": {"app": name}, "ports": [{"port": 80}]}
        made[ObjectId("services", "default", name)] = manifest(
            "v1", "Service", name, spec, "default"
        )
    for name in names[:proxies]:
        run = {"command": [sys.executable, "-c", SERVER], "ports": [{"port": 80}]}
        key = ObjectId("workloads.laneway.dev", "default", name)
        made[key] = manifest(V1, "Workload", name, run, "default", app=name, version="base")
    group = {
        "gateway": "entry",
        "routeHeader": "x-lane",
        "traceHeader": "x-request-id",
        "services": names,
        "ingress": [{"name": "all", "destination": names[0]}],
    }
    made[ObjectId("lanegroups.laneway.dev", "", "shop")] = manifest(V1, "LaneGroup", "shop", group)
    made |= dict(lane(number, names) for number in range(lanes))
    return made


async def append(store: SqliteStore, writes: dict[ObjectId, Any]) -> None:
    await store.append(Draft(writes, "jack", "bench", "PATCH"), expected=store.submitted)


async def measure_writes(report: Report, folder: Path, times: int) -> None:
    """In turn, so that what else the disk does concerns all alike."""
    found: dict[str, list[float]] = {
        "append and fdatasync": [],
        "revision": [],
        "the same again": [],
    }
    store = SqliteStore.open(folder / "durable", now)
    descriptor = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def bare(written: bytes) -> None:
        os.write(descriptor, written)
        os.fdatasync(descriptor)

    for number in range(times):
        key, written = lane(1, ["s1"] * 5, number)
        text = json.dumps(written).encode()
        for what, seconds in found.items():
            began = time.perf_counter()
            if what == "revision":
                await append(store, {key: written})
            else:
                bare(text)
            seconds.append(time.perf_counter() - began)
    await store.close()
    os.close(descriptor)
    for what, seconds in found.items():
        report.add(f"{what}, median ms", f"{statistics.median(seconds) * 1000:.2f}")
        report.add(f"{what}, p99 ms", f"{p99(seconds) * 1000:.2f}")
    plain, kept, again = (p99(seconds) for seconds in found.values())
    report.add("p99 of a revision, ratio", f"{kept / plain:.2f}")
    report.add("p99 of the append again, ratio", f"{again / plain:.2f}")


def p99(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


async def fill(path: Path, made: dict[ObjectId, Any], revisions: int) -> None:
    store = SqliteStore.open(path, now)
    await append(store, made)
    names = [key.name for key in made if key.resource == "services"]
    count = sum(key.resource == "lanes.laneway.dev" for key in made)
    while store.latest < revisions:
        batch = range(store.latest, min(store.latest + 1000, revisions))
        drafts = (dict([lane(1 + number % (count - 1), names, number % 2)]) for number in batch)
        await asyncio.gather(*(append(store, each) for each in drafts))
    await store.close()


def memory() -> float:
    """Of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


async def measure_start(report: Report, data: Path, options: argparse.Namespace) -> None:
    made = objects(options.services, options.lanes, options.proxies)
    await fill(data / "store", made, options.revisions)
    size = (data / "store").stat().st_size / 2**20
    report.add(f"store of {options.revisions:,} revisions, MiB", f"{size:.0f}")
    before, began = memory(), time.perf_counter()
    store = SqliteStore.open(data / "store", now)
    report.add("open the store, s", f"{time.perf_counter() - began:.2f}")
    report.add("memory of the objects, MiB", f"{memory() - before:.0f}")
    await store.close()


async def measure_serving(report: Report, data: Path, options: argparse.Namespace) -> None:
    """Against the same mesh without a store and an API."""
    mesh = Settings(free_gateway_ports=True, concurrency=1)
    store = SqliteStore.open(data / "store", now)
    declared = declared_at_start(store.objects)
    await store.close()
    plain = []
    for _ in range(2):
        began = time.perf_counter()
        async with Embedded(declared, mesh) as embedded:
            await embedded.wait_ready()
            plain.append(time.perf_counter() - began)
    began = time.perf_counter()
    async with Serving(ServeSettings(data, ("127.0.0.1", 0), mesh=mesh)) as serving:
        report.add("start until the API answers, s", f"{time.perf_counter() - began:.2f}")
        await serving.embedded.wait_ready()
        taken = time.perf_counter() - began
        report.add(f"until {options.proxies + 1} proxies have all, s", f"{taken:.2f}")
        report.add("the same without store and API, s", f"{plain[0]:.2f}")
        report.add("the same again, s", f"{plain[1]:.2f}")
        report.add("memory of laneway, MiB", f"{memory():.0f}")
        await measure_tokens(report, serving, data, options)


async def measure_tokens(
    report: Report, serving: Serving, data: Path, options: argparse.Namespace
) -> None:
    token, text = minted("bench", ["view"], os.urandom(37), now(), timedelta(days=1))
    await serving.tokens.add(token)
    alone = await asks(serving.address, data, text, options.requests)
    again = await asks(serving.address, data, text, options.requests)
    flood = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.bench_serve", "--flood", serving.address),
        stdout=asyncio.subprocess.PIPE,
    )
    assert flood.stdout is not None
    await flood.stdout.readline()
    under = await asks(serving.address, data, text, options.requests)
    flood.terminate()
    answered, _ = await flood.communicate()
    for what, found in (("alone", alone), ("alone again", again), ("with bad tokens", under)):
        report.add(f"a good client {what}, median ms", f"{statistics.median(found) * 1000:.1f}")
        report.add(f"a good client {what}, p99 ms", f"{p99(found) * 1000:.1f}")
    slower = max(p99(alone), p99(again))
    report.add("its p99, ratio to the slower one alone", f"{p99(under) / slower:.2f}")
    report.add("bad tokens refused, 1/s", answered.decode().strip() or "0")


async def asks(address: str, data: Path, token: str, times: int) -> list[float]:
    """In a thread of its own, so that the server's loop does not do the client's work."""

    def ask() -> list[float]:
        tls = ssl.create_default_context(cafile=str(data / "tls/ca.crt"))
        seconds = []
        with httpx.Client(base_url=address, verify=tls) as client:
            for _ in range(times):
                began = time.perf_counter()
                found = client.get(
                    f"{LANES}/lane-001", headers={"authorization": f"Bearer {token}"}
                )
                seconds.append(time.perf_counter() - began)
                assert found.status_code == 200
        return seconds

    return await asyncio.to_thread(ask)


async def flood(address: str, connections: int = 4) -> None:
    """Until it is terminated; then says how many were answered in a second."""
    host, _, port = address.removeprefix("https://").rpartition(":")
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    answered, began = 0, time.perf_counter()
    wrong = f"lw_aaaaaaaa_{'x' * 43}"
    request = (
        f"GET {LANES} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {wrong}\r\n\r\n"
    )

    async def send() -> None:
        nonlocal answered
        reader, writer = await asyncio.open_connection(host, int(port), ssl=tls)
        while True:
            writer.write(request.encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 401")
            length = head.lower().partition(b"content-length:")[2].split()[0]
            await reader.readexactly(int(length))
            answered += 1

    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(15, ended.set)
    sending = [asyncio.create_task(send()) for _ in range(connections)]
    print("sending", flush=True)
    await ended.wait()
    for each in sending:
        each.cancel()
    print(f"{answered / (time.perf_counter() - began):.0f}", flush=True)


async def measure(options: argparse.Namespace) -> None:
    report = Report(
        "serve",
        ("what", "figure"),
        f"{options.services:,} services, {options.lanes} lanes, {options.proxies + 1} real proxies",
    )
    with tempfile.TemporaryDirectory(prefix="laneway-", dir=options.folder) as name:
        folder = Path(name)
        (folder / "data").mkdir(mode=0o700)
        await measure_writes(report, folder, options.writes)
        await measure_start(report, folder / "data", options)
        await measure_serving(report, folder / "data", options)
    report.publish()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--lanes", type=int, default=200)
    parser.add_argument("--revisions", type=int, default=100_000)
    parser.add_argument("--proxies", type=int, default=4, help="sidecars beside the gateway")
    parser.add_argument("--writes", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=Path("build"), help="on the disk to measure")
    parser.add_argument("--flood", metavar="ADDRESS", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.flood:
        asyncio.run(flood(options.flood))
        return
    log_to_stderr()
    options.folder.mkdir(exist_ok=True)
    asyncio.run(measure(options))


if __name__ == "__main__":
    main()
