"""What the lane filter costs where baggage carries the lane: CPU time a request.

    make develop && .venv/bin/python -m bench.bench_baggage [--rounds 6] [--count 40000]

CPU time is the kernel's, of the Envoy process alone; rounds of all listeners are interleaved.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from bench.reports import Report
from tests.filter import clients, testbed
from tests.filter.testbed import ROUTE_HEADER, Pair

OTHERS = "tenant=a%20b,user=7,session=0123456789abcdef"
LANE = (ROUTE_HEADER, "s2")
BARE, WITH_LANE = ("baggage", OTHERS), ("baggage", f"{ROUTE_HEADER}=s2,{OTHERS}")

# Listener, headers of the request, and the row to compare with.
VARIANTS = {
    "no filter, nothing": ("echo", (), "no filter, nothing"),
    "no filter, baggage": ("echo", (WITH_LANE,), "no filter, baggage"),
    "no filter, baggage and lane": ("echo", (WITH_LANE, LANE), "no filter, baggage and lane"),
    "inbound, no lane": ("direct-inbound", (), "no filter, nothing"),
    "inbound, member there": ("direct-inbound", (WITH_LANE, LANE), "no filter, baggage and lane"),
    "inbound, member put": ("direct-inbound", (BARE, LANE), "no filter, baggage and lane"),
    "outbound, no baggage": ("direct-outbound", (), "no filter, nothing"),
    "outbound, no member": ("direct-outbound", (BARE,), "no filter, baggage"),
    "outbound, lane set": ("direct-outbound", (WITH_LANE,), "no filter, baggage"),
}


def requests(headers: tuple[tuple[str, str], ...], count: int) -> Iterator[bytes]:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    request = f"GET / HTTP/1.1\r\nhost: a\r\n{lines}\r\n".encode()
    return (request for _ in range(count))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--count", type=int, default=40_000)
    chosen = parser.parse_args()
    best = dict.fromkeys(VARIANTS, float("inf"))
    pair = Pair("a", baggage_key=ROUTE_HEADER)
    with testbed.running(testbed.Setup(pairs=(pair,), workers=1)) as bed:
        for _ in range(chosen.rounds):
            for name, (listener, headers, _) in VARIANTS.items():
                before = bed.cpu_seconds()
                clients.drive(bed.socket(listener), requests(headers, chosen.count))
                best[name] = min(best[name], (bed.cpu_seconds() - before) / chosen.count * 1e6)
    report = Report("baggage", ("listener", "total", "filter"), "CPU time of Envoy, µs a request")
    for name, (_, _, against) in VARIANTS.items():
        report.add(name, f"{best[name]:.2f}", f"{best[name] - best[against]:+.2f}")
    report.publish()


if __name__ == "__main__":
    main()
