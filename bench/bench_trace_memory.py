"""What the trace-memory filter costs: CPU time a request, and memory after millions of ids.

Run from the project's root::

    python -m bench.bench_trace_memory cpu
    python -m bench.bench_trace_memory memory --ids 5000000
    python -m bench.bench_trace_memory routing --ids 100000 --in-flight 2000
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from laneway import filter as trace_memory
from tests.filter import clients, testbed
from tests.filter.testbed import LANES, ROUTE_HEADER, TRACE_HEADER, Testbed


def requests(ids: range, *, lane: bool) -> Iterator[bytes]:
    """Requests with distinct ids; an id has a UUID's length."""
    for n in ids:
        head = f"GET / HTTP/1.1\r\nhost: a\r\n{TRACE_HEADER}: {n:036d}\r\n"
        yield (head + (f"{ROUTE_HEADER}: {LANES[n % 3]}\r\n" if lane else "") + "\r\n").encode()


def print_table(title: str, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = Table(*header, title=title)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


async def cpu(rounds: int, count: int) -> None:
    """Best of ``rounds`` for each listener, which answers by itself; one worker."""
    best: dict[str, float] = {}

    def measure(bed: Testbed, name: str, listener: str, ids: range, *, lane: bool) -> None:
        before = bed.cpu_seconds()
        clients.drive(bed.socket(listener), requests(ids, lane=lane))
        spent = (bed.cpu_seconds() - before) / len(ids) * 1e6
        best[name] = min(spent, best.get(name, spent))

    async with testbed.running(testbed.Setup(workers=1)) as bed:
        # Fill the sets first: a set that is full costs most.
        fill = 16 * trace_memory.DEFAULT_SETS
        clients.drive(bed.socket("direct-inbound"), requests(range(fill), lane=True))
        for turn in range(1, rounds + 1):
            ids = range(fill + turn * count, fill + (turn + 1) * count)
            measure(bed, "no filter, lane named", "echo", ids, lane=True)
            measure(bed, "no filter", "echo", ids, lane=False)
            measure(bed, "inbound, no lane", "direct-inbound", ids, lane=False)
            measure(bed, "outbound, unknown id", "direct-outbound", ids, lane=False)
            measure(bed, "inbound, lane remembered", "direct-inbound", ids, lane=True)
            measure(bed, "outbound, lane found", "direct-outbound", ids, lane=False)
    rows = [
        (
            name,
            f"{spent:.2f}",
            f"{spent - best['no filter' + (', lane named' if 'remembered' in name else '')]:+.2f}",
        )
        for name, spent in best.items()
    ]
    print_table("CPU time of Envoy, µs a request", ("listener", "total", "filter"), rows)


async def memory(ids: int, workers: int, step: int) -> None:
    rows: list[tuple[str, ...]] = []
    async with testbed.running(testbed.Setup(workers=workers)) as bed:
        start = bed.rss_mib()
        rows.append(("0", f"{start:.1f}", "", ""))
        for first in range(0, ids, step):
            began = time.monotonic()
            done = range(first, min(first + step, ids))
            clients.drive(bed.socket("direct-inbound"), requests(done, lane=True))
            rate = len(done) / (time.monotonic() - began)
            rss = bed.rss_mib()
            rows.append((f"{done.stop:,}", f"{rss:.1f}", f"{rss - start:+.1f}", f"{rate:,.0f}"))
    header = ("distinct ids", "RSS, MiB", "growth, MiB", "requests/s")
    print_table(f"Memory of Envoy, {workers} workers", header, rows)


async def routing(ids: int, in_flight: int, delay: float) -> None:
    """Whole calls, each crossing both filters on any workers; every answer is checked."""

    def headers(n: int) -> clients.Headers:
        return [(TRACE_HEADER, f"request-{n:028d}"), (ROUTE_HEADER, LANES[n % 3])]

    async with testbed.running(testbed.Setup(delay=delay)) as bed:
        began = time.monotonic()
        answers = await clients.each(bed.socket("inbound-a"), range(ids), in_flight, headers)
        seconds = time.monotonic() - began
        wrong = sum((a.cluster, a.seen()) != (LANES[n % 3], LANES[n % 3]) for n, a in answers)
        counters = await bed.stats("laneway_trace_memory")
    header = ("ids", "in flight", "wrong", "seconds", "calls/s")
    row = (f"{len(answers):,}", f"{in_flight:,}", f"{wrong:,}", f"{seconds:.1f}", f"{ids / seconds:,.0f}")
    print_table("Calls through both filters, 4 workers", header, [row])
    print(counters)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    measures = parser.add_subparsers(dest="measure", required=True)
    on_cpu = measures.add_parser("cpu")
    on_cpu.add_argument("--rounds", type=int, default=5)
    on_cpu.add_argument("--count", type=int, default=100_000)
    on_memory = measures.add_parser("memory")
    on_memory.add_argument("--ids", type=int, default=5_000_000)
    on_memory.add_argument("--workers", type=int, default=4)
    on_memory.add_argument("--step", type=int, default=500_000)
    on_routing = measures.add_parser("routing")
    on_routing.add_argument("--ids", type=int, default=100_000)
    on_routing.add_argument("--in-flight", type=int, default=2_000)
    on_routing.add_argument("--delay", type=float, default=0.2)
    given = vars(parser.parse_args())
    measure = {"cpu": cpu, "memory": memory, "routing": routing}[given.pop("measure")]
    asyncio.run(measure(**given))


if __name__ == "__main__":
    main()
