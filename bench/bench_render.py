"""How long `laneway render` takes for 1,000 services and 200 lanes of 5 services each.

The whole command is timed, from the start of the process to its last line, reading included.

    make develop && .venv/bin/python -m bench.bench_render
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.reports import Report

LANES, SERVICES_A_LANE = 200, 5


@dataclass(frozen=True)
class Shape:
    """``groups`` share the services and lanes evenly; every group has a baseline besides."""

    name: str
    groups: int
    trace_header: str
    dialect: str


SHAPES = (
    Shape("asm, one group, trace id", 1, "my-request-id", "asm"),
    Shape("asm, 40 groups, lane in a header", 40, "x-lane", "asm"),
    Shape("asm, one group, lane in a header *", 1, "x-lane", "asm"),
    Shape("gateway-api, one group, lane in a header", 1, "x-lane", "gateway-api"),
    Shape("envoy, one group, trace id", 1, "my-request-id", "envoy"),
    Shape("envoy, one group, lane in a header", 1, "x-lane", "envoy"),
)


def declared(shape: Shape, services: int) -> Iterator[str]:
    for number in range(services):
        name = f"svc-{number:04}"
        yield (
            f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n"
            f"spec:\n  selector: {{app: {name}}}\n  ports: [{{name: http, port: 8000}}]\n"
        )
    yield (
        "apiVersion: networking.istio.io/v1\nkind: Gateway\n"
        "metadata: {name: gateway, namespace: istio-system}\nspec:\n  selector: {istio: gateway}\n"
        "  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]\n"
    )
    size = services // shape.groups
    for group in range(shape.groups):
        names = [f"svc-{number:04}" for number in range(group * size, (group + 1) * size)]
        yield from _group(shape, f"group-{group}", names, LANES // shape.groups)


def _group(shape: Shape, name: str, services: list[str], lanes: int) -> Iterator[str]:
    header = "apiVersion: laneway.dev/v1alpha1\nkind: "
    yield (
        f"{header}LaneGroup\nmetadata: {{name: {name}}}\nspec:\n"
        f"  gateway: istio-system/gateway\n  routeHeader: x-lane\n"
        f"  traceHeader: {shape.trace_header}\n  services: [{', '.join(services)}]\n"
    )
    for number in range(lanes + 1):
        chosen = services
        if number:
            first = (number - 1) * SERVICES_A_LANE % len(services)
            chosen = services[first : first + SERVICES_A_LANE]
        yield (
            f"{header}Lane\nmetadata: {{name: {name}-lane-{number}}}\nspec:\n  group: {name}\n"
            f"  selector: {{version: v{number}}}\n  services: [{', '.join(chosen)}]\n"
            f"  ingress:\n    - name: r1\n      hosts: ['*']\n"
            f"      uri: {{exact: /{name}}}\n      destination: {services[0]}\n"
        )


def run(shape: Shape, path: Path) -> tuple[float, int, int]:
    """Seconds, MB of memory at most, and bytes printed."""
    laneway = Path(sys.executable).parent / "laneway"
    command = [str(laneway), "render", "-f", str(path), "--dialect", shape.dialect]
    output = path.with_suffix(".out")
    began = time.perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode != 0:
        raise SystemExit(f"{shape.name}: laneway render failed")
    return seconds, usage.ru_maxrss // 1024, output.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    report = Report(
        "render",
        ("what", "seconds (best)", "memory MB", "output MB"),
        caption="* ASM wants one match for each lane and service: 201,000 of them.",
    )
    with tempfile.TemporaryDirectory() as temporary:
        for number, shape in enumerate(SHAPES):
            path = Path(temporary) / f"{number}.yaml"
            path.write_text("---\n".join(declared(shape, options.services)))
            results = [run(shape, path) for _ in range(options.rounds)]
            seconds, memory, size = min(results)
            report.add(shape.name, f"{seconds:.2f}", str(memory), f"{size / 1e6:.1f}")
    report.publish()


if __name__ == "__main__":
    main()
