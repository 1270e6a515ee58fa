"""What a sidecar hop costs beside a plain Envoy, feature by feature, in instructions.

CPU times of two equal proxies differ by several percent on a machine that has other work. The
instructions of Envoy's worker, which valgrind counts, differ by 0.1 %: ``plain Envoy again`` shows
by how much. They leave out the kernel, which does the same for all variants and has about 30 % of a
request's CPU time, and what caches miss. So a ratio of CPU times is nearer to 1 than one from here.

A variant ``without ...`` is scenario 2 with one part of the configuration taken away, to see what
that part costs; such a proxy keeps none of the promises that the part is for. Sidecars do not count
the status codes of each cluster, as Envoy does by default; a plain Envoy without these counts shows
how much of a ratio is due to that. Connections to the application are not closed when idle, as they
would be here, where a request takes a hundred times as long; ``new connections`` is with that.

    apt install valgrind
    .venv/bin/python -m bench.bench_hop_instructions [--requests 300] [--only TEXT]
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import closing
from functools import reduce
from pathlib import Path

from bench.bench_request_cost import (
    APPLICATION,
    PLAIN,
    Variant,
    answerer,
    answers,
    drive,
    envoy,
    mesh,
    placements,
    plain,
    requests,
)
from bench.instructions import Counter, callgrind
from bench.reports import Report
from bench.sidecar_parts import PARTS, STEADY, Edit
from bench.uncounted_snapshots import without_calls

from laneway.adapters.runner.bootstraps import bootstrap
from laneway.adapters.runner.ports import Ports
from laneway.adapters.xds.proxy_registry import ProxyRegistry
from laneway.adapters.xds.server import XdsServer
from laneway.compile.envoy import names
from laneway.compile.envoy.emitter import emit
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.lower import lower
from laneway.filter import module_path, native_module_path
from laneway.model.meshes import Mesh
from laneway.model.placements import Address

UNCOUNTED = "plain Envoy, no status codes"
REFERENCES = (*PLAIN, UNCOUNTED)
NEW_CONNECTIONS = "scenario 2, new connections"


def cases() -> Mapping[str, tuple[Mesh, tuple[Edit, ...]]]:
    scenario, by_id = mesh(3, "x-asm-prefer-tag"), mesh(3, "my-request-id")
    return {
        "laneway, no lanes": (mesh(0), ()),
        "scenario 2": (scenario, ()),
        "scenario 2 without counts of calls": (scenario, (without_calls,)),
        NEW_CONNECTIONS: (scenario, ()),
        "scenario 1": (by_id, ()),
        "scenario 1 without counts of calls": (by_id, (without_calls,)),
        "baggage": (mesh(3, "baggage"), ()),
        **{f"without {part}": (scenario, edits) for part, edits in PARTS.items()},
        "without all of these": (scenario, tuple(edit for part in PARTS.values() for edit in part)),
    }


async def count(
    process: subprocess.Popen[bytes], addresses: tuple[Address, ...], counter: Counter, number: int
) -> tuple[float, ...]:
    """Instructions a request at each address."""
    for address in addresses:
        await answers(process, address)
        await drive(address, requests(200, "warm"))
    counter.start()
    found = []
    for address in addresses:
        await drive(address, requests(64, "again"))
        counted = await counter.count(drive(address, requests(number, "counted")))
        found.append(counted / number)
    return tuple(found)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--only", default="", help="of the variants, those with this in their name")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("bench_hop_instructions is skipped: it needs valgrind (apt install valgrind)")
        return
    chosen = {name: case for name, case in cases().items() if options.only in name}
    ports, registry = Ports(), ProxyRegistry()
    answering = ports.reserve("answering")
    variants = [
        Variant(each, ports.reserve(each), ports.reserve(each)) for each in (*REFERENCES, *chosen)
    ]
    ports.share([answering, *(a for v in variants for a in (v.inbound, v.outbound))])
    path = native_module_path()
    module = FilterModule(str(path), native=True) if path else FilterModule(str(module_path()))
    report = Report(
        "hop_instructions", ("variant", "inbound", "outbound", "hop", "against a plain Envoy")
    )
    with tempfile.TemporaryDirectory() as temporary, closing(ports):
        folder = Path(temporary)
        xds = folder / "xds.sock"
        for variant in variants[len(REFERENCES) :]:
            whole, edits = chosen[variant.name]
            emitted = emit(whole, lower(whole), placements(variant, answering), Options(module))
            snapshot = emitted[names.sidecar_node(APPLICATION)]
            if variant.name != NEW_CONNECTIONS:
                edits = (STEADY, *edits)
            registry.publish(
                {variant.name: reduce(lambda so_far, edit: edit(so_far), edits, snapshot)}
            )
        base = 0.0
        async with XdsServer(registry, f"unix:{xds}"):
            with envoy(folder, "answerer", answerer(answering)):
                for number, variant in enumerate(variants):
                    counts, admin = folder / f"counts-{number}", folder / f"admin-{number}.sock"
                    configuration = (
                        plain(variant, answering, status_codes=variant.name != UNCOUNTED)
                        if variant.name in REFERENCES
                        else bootstrap(variant.name, xds, admin)
                    )
                    prefix = callgrind(counts)
                    with envoy(folder, variant.name, configuration, prefix) as process:
                        counter = Counter(process.pid, counts)
                        addresses = (variant.inbound, variant.outbound)
                        each = await count(process, addresses, counter, options.requests)
                    base = base or sum(each)
                    figures = (*each, sum(each))
                    report.add(
                        variant.name,
                        *(f"{figure:.0f}" for figure in figures),
                        f"{sum(each) / base:.3f}",
                    )
    report.publish()


if __name__ == "__main__":
    asyncio.run(main())
