"""How long the validating webhook thinks of one lane, at 1,000 services and 200 lanes of 5 each.

The decision alone, as `kubectl apply` waits for it: without HTTPS and the API server's own time.

    make develop && .venv/bin/python -m bench.bench_admission
"""

from __future__ import annotations

import argparse
import statistics
import time

from bench.bench_reconcile import AdmissionContext, Object
from bench.reports import Report

from laneway.operator.admission import Surroundings, judge

TIMES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--lanes", type=int, default=200)
    options = parser.parse_args()
    names = tuple(f"s{number:04}" for number in range(options.services))
    land = AdmissionContext("default", names, "my-request-id")
    fewer = AdmissionContext("default", names[:-1], "my-request-id")
    lanes = [land.lane(f"lane-{n:03}", land.services_of(n)) for n in range(options.lanes)]
    declared = [land.group(), land.lane("base", names), *lanes]
    around = Surroundings(declared, [land.service(name) for name in names])
    asked: list[tuple[str, Object, Object | None]] = [
        ("a lane is created", land.lane("new", names[:5]), None),
        ("a lane is changed", land.lane("lane-000", names[5:9]), lanes[0]),
        ("a group is changed", fewer.group(), declared[0]),
    ]
    report = Report(
        "admission",
        ("what", "median ms", "most ms", "refused", "warnings"),
        f"{options.services:,} services, {options.lanes} lanes; {TIMES} times each",
    )
    for what, candidate, before in asked:
        seconds = []
        for _ in range(TIMES):
            began = time.perf_counter()
            verdict = judge(candidate, before, around)
            seconds.append(time.perf_counter() - began)
        figures = (f"{statistics.median(seconds) * 1000:.0f}", f"{max(seconds) * 1000:.0f}")
        report.add(what, *figures, str(bool(verdict.denials)), str(len(verdict.warnings)))
    report.publish()


if __name__ == "__main__":
    main()
