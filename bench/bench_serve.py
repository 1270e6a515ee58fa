"""``laneway serve``: durable writes, a start from a large store, and clients with bad tokens.

*Durable write*: one revision of a lane after another, each kept before the next is submitted,
against the same bytes appended to a file with ``fdatasync``. Both are measured twice, by turns, so
that the second pair tells how far apart equal things are here.
*Start*: a store of many revisions is opened, and then served with some real proxies.
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
from laneway.wiring.embedded import Settings
from laneway.wiring.serving import ServeSettings, Serving

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


async def durable(folder: Path, times: int) -> list[float]:
    store = SqliteStore.open(folder / f"durable-{os.urandom(3).hex()}", now)
    seconds = []
    for number in range(times):
        key, written = lane(1, ["s1"] * 5, number)
        began = time.perf_counter()
        await append(store, {key: written})
        seconds.append(time.perf_counter() - began)
    await store.close()
    return seconds


def bare(folder: Path, times: int) -> list[float]:
    descriptor = os.open(folder / f"bare-{os.urandom(3).hex()}", os.O_WRONLY | os.O_CREAT)
    seconds = []
    for number in range(times):
        text = json.dumps(lane(1, ["s1"] * 5, number)[1]).encode()
        began = time.perf_counter()
        os.write(descriptor, text)
        os.fdatasync(descriptor)
        seconds.append(time.perf_counter() - began)
    os.close(descriptor)
    return seconds


def p99(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


async def measure_writes(report: Report, folder: Path, times: int) -> None:
    for turn in ("first", "second"):
        plain, kept = bare(folder, times), await durable(folder, times)
        for what, found in (("append and fdatasync", plain), ("revision", kept)):
            median, most = statistics.median(found), p99(found)
            report.add(f"{turn}: {what}, median ms", f"{median * 1000:.2f}")
            report.add(f"{turn}: {what}, p99 ms", f"{most * 1000:.2f}")
        report.add(f"{turn}: ratio of p99", f"{p99(kept) / p99(plain):.2f}")


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
    mesh = Settings(free_gateway_ports=True, concurrency=1)
    began = time.perf_counter()
    async with Serving(ServeSettings(data, ("127.0.0.1", 0), mesh=mesh)) as serving:
        report.add("start until the API answers, s", f"{time.perf_counter() - began:.2f}")
        await serving.embedded.wait_ready()
        taken = time.perf_counter() - began
        report.add(f"until {options.proxies + 1} proxies have all, s", f"{taken:.2f}")
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
        report.add(f"a good client {what}, p99 ms", f"{p99(found) * 1000:.1f}")
    report.add(
        "its p99, ratio to the slower one alone", f"{p99(under) / max(p99(alone), p99(again)):.2f}"
    )
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
    options.folder.mkdir(exist_ok=True)
    asyncio.run(measure(options))


if __name__ == "__main__":
    main()
