"""What ``perTryTimeout`` costs requests that have no such limit, at a workload's own proxy.

Every proxy has the filter for it, disabled, and a route before the usual one. A request without a
limit is compared with one at a proxy that has neither. Fails if that takes more instructions than
its bar allows.

    make develop && .venv/bin/python -m bench.bench_try_timeout_cost [--starts 5] [--rounds 4]
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bench.bench_request_cost import APPLICATION, Variant, mesh, placements, requests
from bench.comparisons import Comparison, Subject, main
from bench.sidecar_parts import managers
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)

from laneway.compile.envoy import names
from laneway.compile.envoy.emitter import emit
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.envoy.try_timeouts import try_timeout_filter
from laneway.compile.lower import lower
from laneway.compile.resources import Snapshot
from laneway.filter import module_path, native_module_path
from laneway.model.placements import Address


def snapshot(inbound: Address, outbound: Address, answering: Address) -> Snapshot:
    native = native_module_path()
    module = FilterModule(str(native or module_path()), native=native is not None)
    declared = mesh(3, "x-asm-prefer-tag")
    placed = placements(Variant("", inbound, outbound), answering)
    emitted = emit(declared, lower(declared), placed, Options(module))
    return emitted[names.sidecar_node(APPLICATION)]


def without_limits(manager: hcm_pb2.HttpConnectionManager) -> None:
    """As a proxy would be that knows no ``perTryTimeout``."""
    if not manager.HasField("route_config"):
        return  # for calls to others
    filters = [each for each in manager.http_filters if each.name != try_timeout_filter().name]
    (host,) = manager.route_config.virtual_hosts
    routes = [each for each in host.routes if not each.typed_per_filter_config]
    assert len(filters) == len(manager.http_filters) - 1
    assert len(routes) == len(host.routes) - 1
    del manager.http_filters[:], host.routes[:]
    manager.http_filters.extend(filters)
    host.routes.extend(routes)


def comparisons(answering: Address, addresses: Iterator[Address]) -> Iterator[Comparison]:
    asked = {"has no limit": requests(1, "x")[0]}
    subjects = {}
    for name in ("without", "without again", "with it"):
        inbound = next(addresses)
        found = snapshot(inbound, next(addresses), answering)
        if name != "with it":
            found = managers(without_limits)(found)
        subjects[name] = Subject(found, inbound, asked)
    yield Comparison("try_timeout_cost", subjects, "with / without", bar=1.02)


if __name__ == "__main__":
    asyncio.run(main(__doc__, comparisons))
