"""How long `laneway analyze` takes for 1,000 services and 200 lanes, by how their rules differ.

CPU time of the whole command, from the start of the process to its last line, reading included.

    make develop && .venv/bin/python -m bench.bench_analyze [--services 1000] [--lanes 200]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.reports import Report

SERVICES_A_LANE = 5
#: Whom each service calls, where workloads are declared.
CALLS = 2

Rules = Callable[[int], list[str]]


def _uri(kind: str, value: str) -> str:
    return f"uri: {{{kind}: '{value}'}}"


@dataclass(frozen=True)
class Shape:
    """``rules`` are a lane's conditions, by its number in the group; lane 0 is the baseline."""

    name: str
    groups: int
    rules: Rules
    workloads: bool = False


SHAPES = (
    Shape("one rule for all", 1, lambda lane: [_uri("prefix", "/")]),
    Shape("one rule for all, with workloads", 1, lambda lane: [_uri("prefix", "/")], True),
    Shape(
        "each lane one of its own besides",
        1,
        lambda lane: [_uri("prefix", "/"), *([_uri("prefix", f"/own/{lane}/")] if lane else [])],
    ),
    Shape("each lane one of its own alone", 1, lambda lane: [_uri("regex", f"/v[0-9]+/{lane}/.*")]),
    Shape(
        "the baseline has as many, lanes have half",
        1,
        lambda lane: [_uri("exact", f"/page/{n}") for n in range(200) if not lane or n % 2],
    ),
    Shape(
        "40 groups, rules by header and host",
        40,
        lambda lane: [
            "hosts: ['*.example.com']",
            *([f"headers: {{x-beta: {{exact: b{lane}}}}}"] if lane else []),
        ],
    ),
    Shape("40 groups, all with the same rule", 40, lambda lane: [_uri("prefix", "/")]),
)


def declared(shape: Shape, services: int, lanes: int) -> Iterator[str]:
    names = [f"svc-{number:04}" for number in range(services)]
    for name in names:
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
        members = names[group * size : (group + 1) * size]
        yield from _group(shape, f"group-{group}", members, lanes // shape.groups)


def _group(shape: Shape, name: str, services: list[str], lanes: int) -> Iterator[str]:
    header = "apiVersion: laneway.dev/v1alpha1\nkind: "
    yield (
        f"{header}LaneGroup\nmetadata: {{name: {name}}}\nspec:\n  gateway: istio-system/gateway\n"
        f"  routeHeader: x-{name}-lane\n  traceHeader: x-request-id\n"
        f"  services: [{', '.join(services)}]\n"
    )
    for number in range(lanes + 1):
        first = (number - 1) * SERVICES_A_LANE % len(services)
        chosen = services[first : first + SERVICES_A_LANE] if number else services
        rules = "".join(
            f"    - {{name: r{index}, {condition}, destination: {services[0]}}}\n"
            for index, condition in enumerate(shape.rules(number))
        )
        yield (
            f"{header}Lane\nmetadata: {{name: {name}-lane-{number}}}\nspec:\n  group: {name}\n"
            f"  selector: {{version: v{number}}}\n  services: [{', '.join(chosen)}]\n"
            f"  ingress:\n{rules}"
        )
        if shape.workloads:
            yield from (_workload(services, service, number) for service in chosen)


def _workload(services: list[str], service: str, lane: int) -> str:
    """Each calls those that follow it: a tree of calls over the whole group."""
    index = services.index(service)
    called = services[index * CALLS + 1 : index * CALLS + CALLS + 1]
    urls = "".join(f"url{number}: 'http://{name}:8000/', " for number, name in enumerate(called))
    return (
        "apiVersion: laneway.dev/v1alpha1\nkind: Workload\n"
        f"metadata: {{name: {service}-v{lane}, labels: {{app: {service}, version: v{lane}}}}}\n"
        f"spec: {{command: ['true'], ports: [{{name: http, port: 8000}}], env: {{{urls}}}}}\n"
    )


def run(path: Path) -> tuple[float, int, int]:
    """CPU seconds, MB of memory at most, and how many findings."""
    laneway = Path(sys.executable).parent / "laneway"
    output = path.with_suffix(".out")
    with output.open("wb") as file:
        process = subprocess.Popen([str(laneway), "analyze", "-f", str(path)], stdout=file)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{path}: laneway analyze failed")
    seconds = usage.ru_utime + usage.ru_stime
    findings = output.read_bytes().count(b"; for example ")
    return seconds, usage.ru_maxrss // 1024, findings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--lanes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    report = Report("analyze", ("rules", "CPU seconds (best)", "memory MB", "findings"))
    with tempfile.TemporaryDirectory() as temporary:
        for number, shape in enumerate(SHAPES):
            path = Path(temporary) / f"{number}.yaml"
            path.write_text("---\n".join(declared(shape, options.services, options.lanes)))
            seconds, memory, findings = min(run(path) for _ in range(options.rounds))
            report.add(shape.name, f"{seconds:.1f}", str(memory), str(findings))
    report.publish()


if __name__ == "__main__":
    main()
