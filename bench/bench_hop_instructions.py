"""What a sidecar hop costs beside a plain Envoy, feature by feature, in instructions.

CPU times of two equal proxies differ by several percent on a machine that has other work. The
instructions of Envoy's worker, which valgrind counts, differ by 0.1 %: ``plain Envoy again`` shows
by how much. They leave out the kernel, which does the same for all variants and has about 30 % of a
request's CPU time, and what caches miss. So a ratio of CPU times is nearer to 1 than one from here.

A variant ``without ...`` is scenario 2 with one part of the configuration taken away, to see what
that part costs; such a proxy keeps none of the promises that the part is for. Connections to the
application are not closed when idle, as they would be here, where a request takes a hundred times
as long.

    apt install valgrind
    .venv/bin/python -m bench.bench_hop_instructions [--requests 300] [--only TEXT]
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
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
from bench.uncounted_snapshots import without_calls, without_figures
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions

from laneway.adapters.runner.bootstraps import bootstrap
from laneway.adapters.runner.ports import Ports
from laneway.adapters.xds.proxy_registry import ProxyRegistry
from laneway.adapters.xds.server import XdsServer
from laneway.compile.envoy import names
from laneway.compile.envoy.emitter import emit
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.lower import lower
from laneway.compile.resources import CLUSTER, LISTENER, ROUTE, Resource, Snapshot
from laneway.filter import module_path, native_module_path
from laneway.model.meshes import Mesh
from laneway.model.placements import Address

Edit = Callable[[Snapshot], Snapshot]
_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def edited(type_url: str, message: Callable[[], object], edit: Callable[..., None]) -> Edit:
    """A snapshot's resources of a type, each edited in place."""

    def apply(snapshot: Snapshot) -> Snapshot:
        found = {}
        for name, resource in snapshot.resources(type_url).items():
            each = message()
            each.ParseFromString(resource.body)  # type: ignore[attr-defined]
            edit(each)
            body = each.SerializeToString(deterministic=True)  # type: ignore[attr-defined]
            found[name] = Resource.of(type_url, name, body)
        return Snapshot({**snapshot.types, type_url: found})

    return apply


def managers(edit: Callable[[hcm_pb2.HttpConnectionManager], None]) -> Edit:
    def apply(listener: Listener) -> None:
        manager = hcm_pb2.HttpConnectionManager()
        (only,) = listener.filter_chains[0].filters
        only.typed_config.Unpack(manager)
        edit(manager)
        only.typed_config.Pack(manager)

    return edited(LISTENER, Listener, apply)


def upstreams(edit: Callable[[HttpProtocolOptions], None]) -> Edit:
    def apply(cluster: Cluster) -> None:
        if _OPTIONS in cluster.typed_extension_protocol_options:
            options = HttpProtocolOptions()
            cluster.typed_extension_protocol_options[_OPTIONS].Unpack(options)
            edit(options)
            cluster.typed_extension_protocol_options[_OPTIONS].Pack(options)

    return edited(CLUSTER, Cluster, apply)


def routes(edit: Callable[[RouteConfiguration], None]) -> Edit:
    return edited(ROUTE, RouteConfiguration, edit)


def _no_filters(manager: hcm_pb2.HttpConnectionManager) -> None:
    del manager.http_filters[:-1]


def _no_retries(configuration: RouteConfiguration) -> None:
    for host in configuration.virtual_hosts:
        for route in host.routes:
            route.route.ClearField("retry_policy")


def _no_choice(configuration: RouteConfiguration) -> None:
    parts = configuration.name.split("|")
    for host in configuration.virtual_hosts:
        for route in host.routes:
            if route.route.HasField("inline_cluster_specifier_plugin"):
                route.route.ClearField("inline_cluster_specifier_plugin")
                route.route.cluster = "|".join((*parts[:2], "s1", parts[-1]))


def _no_headers(configuration: RouteConfiguration) -> None:
    del configuration.request_headers_to_remove[:]
    del configuration.response_headers_to_remove[:]
    for host in configuration.virtual_hosts:
        del host.response_headers_to_add[:]


STEPS: Mapping[str, tuple[Edit, ...]] = {
    "figures of lanes": (without_figures,),
    "retries": (routes(_no_retries),),
    "filters for other hosts": (
        managers(_no_filters),
        routes(lambda configuration: configuration.typed_per_filter_config.clear()),
    ),
    "choice by lane": (routes(_no_choice),),
    "changes of headers": (routes(_no_headers),),
    "error matcher": (upstreams(lambda options: options.ClearField("outlier_detection")),),
    "outlier detection": (
        edited(CLUSTER, Cluster, lambda cluster: cluster.ClearField("outlier_detection")),
    ),
}
_STEADY = upstreams(lambda options: options.common_http_protocol_options.ClearField("idle_timeout"))


def cases() -> Mapping[str, tuple[Mesh, tuple[Edit, ...]]]:
    scenario, by_id = mesh(3, "x-asm-prefer-tag"), mesh(3, "my-request-id")
    return {
        "laneway, no lanes": (mesh(0), ()),
        "scenario 2": (scenario, ()),
        "scenario 2 without counts of calls": (scenario, (without_calls,)),
        "scenario 1": (by_id, ()),
        "scenario 1 without counts of calls": (by_id, (without_calls,)),
        "baggage": (mesh(3, "baggage"), ()),
        **{f"without {step}": (scenario, edits) for step, edits in STEPS.items()},
        "without all of these": (scenario, tuple(edit for step in STEPS.values() for edit in step)),
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
        Variant(each, ports.reserve(each), ports.reserve(each)) for each in (*PLAIN, *chosen)
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
        for variant in variants[len(PLAIN) :]:
            whole, edits = chosen[variant.name]
            emitted = emit(whole, lower(whole), placements(variant, answering), Options(module))
            snapshot = emitted[names.sidecar_node(APPLICATION)]
            edits = (_STEADY, *edits)
            registry.publish(
                {variant.name: reduce(lambda so_far, edit: edit(so_far), edits, snapshot)}
            )
        base = 0.0
        async with XdsServer(registry, f"unix:{xds}"):
            with envoy(folder, "answerer", answerer(answering)):
                for number, variant in enumerate(variants):
                    counts, admin = folder / f"counts-{number}", folder / f"admin-{number}.sock"
                    is_plain = variant.name in PLAIN
                    configuration = (
                        plain(variant, answering)
                        if is_plain
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
