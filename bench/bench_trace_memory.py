"""What the trace-memory filter costs: CPU time a request, and memory after millions of ids.

    make develop && .venv/bin/python -m bench.bench_trace_memory            # all three, briefly
    .venv/bin/python -m bench.bench_trace_memory cpu [--rounds 6] [--count 40000]
    .venv/bin/python -m bench.bench_trace_memory routing [--ids 100000] [--in-flight 2000]
    .venv/bin/python -m bench.bench_trace_memory memory --ids 5000000 [--longest]

CPU time is the kernel's, of the Envoy process alone; rounds of all listeners are interleaved.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Iterator

from bench.reports import Report
from tests.filter import clients, testbed
from tests.filter.testbed import LANES, ROUTE_HEADER, TRACE_HEADER

from laneway import filter as trace_memory


def requests(ids: range, *, lane: bool, longest: bool = False) -> Iterator[bytes]:
    """Requests with distinct ids of a UUID's length; ``longest``: the most an entry can hold."""
    digits, lanes = (128, ["x" * 63] * 3) if longest else (36, LANES)
    for n in ids:
        head = f"GET / HTTP/1.1\r\nhost: a\r\n{TRACE_HEADER}: {n:0{digits}d}\r\n"
        yield (head + (f"{ROUTE_HEADER}: {lanes[n % 3]}\r\n" if lane else "") + "\r\n").encode()


# Listener, whether requests name a lane, and the row to compare with.
VARIANTS = {
    "no filter": ("echo", False, "no filter"),
    "no filter, lane named": ("echo", True, "no filter, lane named"),
    "inbound, no lane": ("direct-inbound", False, "no filter"),
    "outbound, unknown id": ("direct-outbound", False, "no filter"),
    "inbound, lane remembered": ("direct-inbound", True, "no filter, lane named"),
    "outbound, lane found": ("direct-outbound", False, "no filter"),
}


def cpu(rounds: int = 6, count: int = 40_000) -> None:
    """Best of ``rounds`` for each listener, which answers by itself; one worker."""
    best = dict.fromkeys(VARIANTS, float("inf"))
    with testbed.running(testbed.Setup(workers=1)) as bed:
        # A set that is full costs most.
        fill = 16 * trace_memory.DEFAULT_SETS
        clients.drive(bed.socket("direct-inbound"), requests(range(fill), lane=True))
        for turn in range(rounds):
            ids = range(fill + turn * count, fill + (turn + 1) * count)
            for name, (listener, lane, _) in VARIANTS.items():
                before = bed.cpu_seconds()
                clients.drive(bed.socket(listener), requests(ids, lane=lane))
                best[name] = min(best[name], (bed.cpu_seconds() - before) / count * 1e6)
    rows: list[tuple[str, ...]] = [
        (name, f"{best[name]:.2f}", f"{best[name] - best[against]:+.2f}")
        for name, (_, _, against) in VARIANTS.items()
    ]
    title = "CPU time of Envoy, µs a request"
    Report("trace_memory_cpu", ("listener", "total", "filter"), title, rows=rows).publish()


def memory(ids: int = 1_000_000, workers: int = 4, longest: bool = False) -> None:
    rows: list[tuple[str, ...]] = []
    with testbed.running(testbed.Setup(workers=workers)) as bed:
        start = bed.rss_mib()
        rows.append(("0", f"{start:.1f}", "", ""))
        for part in range(10):
            began = time.monotonic()
            done = range(part * ids // 10, (part + 1) * ids // 10)
            load = requests(done, lane=True, longest=longest)
            rate = clients.drive(bed.socket("direct-inbound"), load) / (time.monotonic() - began)
            rss = bed.rss_mib()
            rows.append((f"{done.stop:,}", f"{rss:.1f}", f"{rss - start:+.1f}", f"{rate:,.0f}"))
    header = ("distinct ids", "RSS, MiB", "growth, MiB", "requests/s")
    title = f"Memory of Envoy, {workers} workers"
    Report("trace_memory_growth", header, title, rows=rows).publish()


def routing(ids: int = 100_000, in_flight: int = 2_000, delay: float = 0.2) -> None:
    """Whole calls, each crossing both filters on any workers; every answer is checked."""

    def headers(n: int) -> clients.Headers:
        return [(TRACE_HEADER, f"request-{n:028d}"), (ROUTE_HEADER, LANES[n % 3])]

    with testbed.running(testbed.Setup(delay=delay)) as bed:
        began = time.monotonic()
        calls = clients.each(bed.socket("inbound-a"), range(ids), in_flight, headers)
        answers = asyncio.run(calls)
        seconds = time.monotonic() - began
        wrong = sum((a.cluster, a.seen()) != (LANES[n % 3], LANES[n % 3]) for n, a in answers)
        counters = bed.counters()
    header = ("ids", "in flight", "wrong", "seconds", "calls/s")
    row = (
        f"{len(answers):,}",
        f"{in_flight:,}",
        f"{wrong:,}",
        f"{seconds:.1f}",
        f"{ids / seconds:,.0f}",
    )
    title = "Calls through both filters, 4 workers"
    Report("trace_memory_routing", header, title, rows=[row]).publish()
    print(counters)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    measures = parser.add_subparsers(dest="measure")
    for_cpu = measures.add_parser("cpu")
    for_cpu.add_argument("--rounds", type=int)
    for_cpu.add_argument("--count", type=int)
    for_routing = measures.add_parser("routing")
    for_routing.add_argument("--ids", type=int)
    for_routing.add_argument("--in-flight", type=int)
    for_routing.add_argument("--delay", type=float)
    for_memory = measures.add_parser("memory")
    for_memory.add_argument("--ids", type=int)
    for_memory.add_argument("--workers", type=int)
    for_memory.add_argument("--longest", action="store_true", default=None)
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    chosen = given.pop("measure", None)
    all_measures: dict[str, Callable[..., None]]
    all_measures = {"cpu": cpu, "routing": routing, "memory": memory}
    for name, measure in all_measures.items():
        if chosen in (None, name):
            measure(**given)


if __name__ == "__main__":
    main()
