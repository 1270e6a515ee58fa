"""What lanes cost: CPU time of one sidecar hop (inbound + outbound), against a plain Envoy.

Each variant is an Envoy of its own with one worker. A request goes to its inbound listener (which
leads to an application that answers at once) and one to its outbound listener (which leads to a
next service that answers at once), both at once, so that calls leave while requests are inside.
Rounds of all variants are interleaved, so that what else the machine does falls on all of them
alike; CPU time is the kernel's, of that Envoy process alone. A ratio is of two variants in one
round: its median over the rounds, its quartiles, and from the least to the most. The second plain
Envoy shows what differs between two that are the same: a ratio within that spread says nothing.
``bench_hop_instructions`` measures what this one cannot tell. Resident memory is what an Envoy has
before its first request.

    make develop && .venv/bin/python -m bench.bench_request_cost [--rounds 7] [--requests 4000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.reports import Report
from bench.uncounted_snapshots import without_calls, without_figures

from laneway.adapters.runner.binary import find_envoy
from laneway.adapters.runner.bootstraps import bootstrap
from laneway.adapters.runner.ports import Ports
from laneway.adapters.xds.proxy_registry import ProxyRegistry
from laneway.adapters.xds.server import XdsServer
from laneway.compile.envoy import names
from laneway.compile.envoy.emitter import emit
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.lower import lower
from laneway.filter import module_path, native_module_path
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Address, Placements, SidecarPlacement
from laneway.model.services import Service, ServicePort
from laneway.model.workloads import Workload, WorkloadPort
from laneway.wiring.logs import log_to_stderr

APPLICATION = ObjectName("default", "mocka")
NEXT = ObjectName("default", "mockb")
CONNECTIONS = 32
START_SECONDS = 120
#: What Envoy's threads for requests are called. Its main thread has work that grows with the number
#: of clusters and not with that of requests: it asks each second which endpoints to take back.
WORKERS = "wrk:"
_HTTP = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


@dataclass
class Variant:
    """One Envoy under test. ``costs`` are CPU microseconds a hop, one for each round."""

    name: str
    inbound: Address
    outbound: Address
    process: subprocess.Popen[bytes] | None = None
    resident: float = 0.0
    costs: list[float] = field(default_factory=list)

    @property
    def cost(self) -> float:
        return statistics.median(self.costs)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def ratios(self, other: Variant) -> list[float]:
        """What this one costs against another, round by round."""
        return [own / its for own, its in zip(self.costs, other.costs, strict=True)]


PLAIN = ("plain Envoy", "plain Envoy again")


@dataclass(frozen=True)
class Case:
    """A variant that is laneway's, what it is compared with, and how much it may cost."""

    mesh: Mesh
    module: FilterModule
    against: str = PLAIN[0]
    bar: str = ""
    figures: bool = True
    calls: bool = True
    """Whether calls that leave their lane are counted."""


def mesh(lanes: int, trace_header: str = "") -> Mesh:
    """Two services with one workload each in lane s1, in a group of ``lanes`` lanes (0: none)."""
    services = tuple(
        Service(name, (ServicePort(8000, "http"),), {"app": name.name})
        for name in (APPLICATION, NEXT)
    )
    workloads = tuple(
        Workload(name, {"app": name.name, "lane": "s1"}, (WorkloadPort(8000),), ("true",))
        for name in (APPLICATION, NEXT)
    )
    if not lanes:
        return Mesh(services=services, workloads=workloads)
    group = LaneGroup("bench", (APPLICATION, NEXT), "x-asm-prefer-tag", trace_header)
    members = tuple(
        Lane(f"s{i}", "bench", {"lane": f"s{i}"}, (APPLICATION, NEXT)) for i in range(1, lanes + 1)
    )
    return Mesh((group,), members, services, workloads)


def placements(variant: Variant, answering: Address) -> Placements:
    """The sidecar under test, before an application and a next service that answer at once."""
    application = SidecarPlacement(
        APPLICATION, {8000: variant.inbound}, {8000: answering}, variant.outbound
    )
    following = SidecarPlacement(NEXT, {8000: answering}, {8000: answering}, answering)
    return Placements(
        {APPLICATION: application, NEXT: following}, ready=frozenset({APPLICATION, NEXT})
    )


def manager(name: str, action: dict[str, Any], status_codes: bool = True) -> dict[str, Any]:
    """``status_codes``: whether they are counted for each cluster, as Envoy does by default."""
    route = {"match": {"prefix": "/"}, **action}
    router = {"@type": _ROUTER, "dynamic_stats": status_codes}
    return {
        "@type": f"{_HTTP}.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {"virtual_hosts": [{"name": name, "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
    }


def listener(
    name: str, address: Address, action: dict[str, Any], status_codes: bool = True
) -> dict[str, Any]:
    network_filter = {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": manager(name, action, status_codes),
    }
    return {
        "name": name,
        "address": {"socket_address": {"address": address.host, "port_value": address.port}},
        "filter_chains": [{"filters": [network_filter]}],
    }


def plain(variant: Variant, answering: Address, status_codes: bool = True) -> str:
    """An Envoy with one plain route and one plain cluster behind each listener."""
    endpoint = {"socket_address": {"address": answering.host, "port_value": answering.port}}
    cluster = {
        "name": "next",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "next",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": endpoint}}]}],
        },
    }
    action = {"route": {"cluster": "next"}}
    listeners = [
        listener("inbound", variant.inbound, action, status_codes),
        listener("outbound", variant.outbound, action, status_codes),
    ]
    return json.dumps({"static_resources": {"listeners": listeners, "clusters": [cluster]}})


def answerer(address: Address) -> str:
    answer = {"direct_response": {"status": 200, "body": {"inline_string": "ok"}}}
    return json.dumps({"static_resources": {"listeners": [listener("answer", address, answer)]}})


@contextmanager
def envoy(
    directory: Path, name: str, configuration: str, prefix: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """``prefix`` is the command that runs Envoy, if it does not run by itself."""
    path = directory / f"{name}.json"
    path.write_text(configuration)
    command = [*prefix, str(find_envoy().path), "-c", str(path), "--concurrency", "1"]
    command += ["-l", "error"]
    process = subprocess.Popen([*command, "--disable-hot-restart", "--service-node", name])
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def cpu_seconds(pid: int, threads: str = "") -> float:
    """Time on a CPU, from the scheduler (nanoseconds, not ticks), of all threads whose names begin
    with ``threads``."""
    times = ((task / "schedstat").read_text() for task in _tasks(pid, threads))
    return sum(int(each.split()[0]) for each in times) / 1e9


def worker_threads(pid: int) -> list[Path]:
    """The folders below ``/proc`` of Envoy's threads for requests, named by their thread ids."""
    return _tasks(pid, WORKERS)


def _tasks(pid: int, threads: str) -> list[Path]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [task for task in tasks if (task / "comm").read_text().startswith(threads)]


class Client(asyncio.Protocol):
    """One connection that sends the next request when the answer to the last has come."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self._requests, self._done = requests, done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        if not data.startswith(b"HTTP/1.1 200"):
            self._done.set_exception(RuntimeError(f"unexpected answer: {data[:200]!r}"))
            self._transport.abort()
            return
        self._send()

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            self._done.set_result(None)
        else:
            self._transport.write(request)


async def drive(address: Address, requests: list[bytes], connections: int = CONNECTIONS) -> None:
    loop = asyncio.get_running_loop()
    source = iter(requests)
    finished = [loop.create_future() for _ in range(connections)]
    for done in finished:
        await loop.create_connection(partial(Client, source, done), address.host, address.port)
    await asyncio.gather(*finished)


async def answers(
    process: subprocess.Popen[bytes], address: Address, asked: Sequence[bytes] = ()
) -> None:
    """Until the listener answers with 200 to the ``asked`` requests, or to a plain one.

    An Envoy that waits for the control plane listens late, and one that listens may not know yet
    where it sends requests to.
    """
    deadline = time.monotonic() + START_SECONDS
    problem = ""
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the Envoy at {address} ended with {process.returncode}")
        try:
            await drive(address, [*asked] or requests(1, "warm"))
        except (OSError, RuntimeError) as error:
            problem = str(error)
            await asyncio.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing answers at {address}: {problem}")


async def listens(variant: Variant) -> None:
    """Until both listeners take connections, and before any request."""
    for address in (variant.inbound, variant.outbound):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                _, writer = await asyncio.open_connection(address.host, address.port)
            except OSError as error:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{variant.name} does not listen at {address}") from error
                await asyncio.sleep(0.05)
            else:
                writer.close()
                break


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def requests(count: int, salt: str) -> list[bytes]:
    """Alike for every variant: a lane, and a trace id of its own for each request."""
    return [
        b"GET http://mockb:8000/ HTTP/1.1\r\nhost: mockb:8000\r\nx-asm-prefer-tag: s1\r\n"
        b"my-request-id: %s-%06d\r\n\r\n" % (salt.encode(), number)
        for number in range(count)
    ]


async def measure(variants: list[Variant], rounds: int, count: int) -> None:
    for number in range(rounds + 1):
        for variant in variants:
            batch = requests(count, f"{number}")
            before = cpu_seconds(variant.pid)
            await asyncio.gather(drive(variant.inbound, batch), drive(variant.outbound, batch))
            spent = cpu_seconds(variant.pid) - before
            if number:  # the first round warms up
                variant.costs.append(spent / count * 1e6)


def publish(variants: list[Variant], cases: Mapping[str, Case]) -> None:
    by_name = {variant.name: variant for variant in variants}
    columns = (
        "variant",
        "CPU µs a hop",
        "against",
        "ratio",
        "lower quartile",
        "upper quartile",
        "least",
        "most",
        "bar",
        "MiB resident",
    )
    equal = variants[1].ratios(variants[0])
    caption = (
        f"Two equal Envoys: {statistics.median(equal):.3f} ({min(equal):.3f} to {max(equal):.3f})"
    )
    report = Report("request_cost", columns, caption=caption)
    for variant in variants:
        case = cases.get(variant.name)
        against = case.against if case else PLAIN[0]
        ratios = variant.ratios(by_name[against])
        low, middle, high = statistics.quantiles(ratios, n=4)
        figures = (middle, low, high, min(ratios), max(ratios))
        report.add(
            variant.name,
            f"{variant.cost:.1f}",
            against,
            *(f"{figure:.3f}" for figure in figures),
            case.bar if case else "",
            f"{variant.resident:.1f}",
        )
    report.publish()


def cases() -> Mapping[str, Case]:
    wasm = FilterModule(str(module_path()))
    native_path = native_module_path()
    native = FilterModule(str(native_path), native=True) if native_path else wasm
    by_id, by_header = mesh(3, "my-request-id"), mesh(3, "x-asm-prefer-tag")
    many_by_id, many_by_header = mesh(1000, "my-request-id"), mesh(1000, "x-asm-prefer-tag")
    return {
        "laneway, no lanes": Case(mesh(0), native),
        "scenario 2, 3 lanes": Case(by_header, native, bar="<= 1.02"),
        "scenario 2, no figures of lanes": Case(by_header, native, figures=False),
        "scenario 2, figures of lanes": Case(
            by_header, native, "scenario 2, no figures of lanes", "<= 1.02"
        ),
        "scenario 2, calls not counted": Case(by_header, native, calls=False),
        "scenario 2, calls counted": Case(by_header, native, "scenario 2, calls not counted"),
        "scenario 1, 3 lanes": Case(by_id, native, bar="<= 1.05"),
        "scenario 1, calls not counted": Case(by_id, native, calls=False),
        "scenario 1, calls counted": Case(by_id, native, "scenario 1, calls not counted"),
        "scenario 1, 3 lanes, WebAssembly": Case(by_id, wasm),
        "baggage, 3 lanes": Case(mesh(3, "baggage"), native, bar="<= 1.10"),
        "scenario 2, 1,000 lanes": Case(many_by_header, native, "scenario 2, 3 lanes", "<= 1.02"),
        "scenario 1, 1,000 lanes": Case(many_by_id, native, "scenario 1, 3 lanes", "<= 1.02"),
    }


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument(
        "--only", default="", help="of the variants, those whose names match this expression"
    )
    options = parser.parse_args()
    log_to_stderr()
    compared = {name: case for name, case in cases().items() if re.search(options.only, name)}
    ports, registry = Ports(), ProxyRegistry()
    answering = ports.reserve("answering")
    variants = [
        Variant(name, ports.reserve(name), ports.reserve(name)) for name in (*PLAIN, *compared)
    ]
    # Held until the end: whatever else asks for a port meanwhile gets another.
    ports.share([answering, *(a for v in variants for a in (v.inbound, v.outbound))])
    with tempfile.TemporaryDirectory() as temporary, closing(ports):
        directory = Path(temporary)
        for variant in variants[len(PLAIN) :]:
            case = compared[variant.name]
            snapshots = emit(
                case.mesh,
                lower(case.mesh),
                placements(variant, answering),
                Options(case.module),
            )
            snapshot = snapshots[names.sidecar_node(APPLICATION)]
            if not case.figures:
                snapshot = without_figures(snapshot)
            if not case.calls:
                snapshot = without_calls(snapshot)
            registry.publish({variant.name: snapshot})
        async with XdsServer(registry, f"unix:{directory}/xds.sock"):
            await run(directory, variants, answering, options)
    publish(variants, compared)


async def run(
    directory: Path, variants: list[Variant], answering: Address, options: argparse.Namespace
) -> None:
    with ExitStack() as stack:
        stack.enter_context(envoy(directory, "answerer", answerer(answering)))
        for number, variant in enumerate(variants):
            xds, admin = directory / "xds.sock", directory / f"admin-{number}.sock"
            configuration = (
                plain(variant, answering)
                if variant.name in PLAIN
                else bootstrap(variant.name, xds, admin)
            )
            variant.process = stack.enter_context(envoy(directory, variant.name, configuration))
        for variant in variants:
            await listens(variant)
            variant.resident = resident_mib(variant.pid)
        for variant in variants:
            assert variant.process is not None
            await answers(variant.process, variant.inbound)
            await answers(variant.process, variant.outbound)
        await measure(variants, options.rounds, options.requests)


if __name__ == "__main__":
    asyncio.run(main())
