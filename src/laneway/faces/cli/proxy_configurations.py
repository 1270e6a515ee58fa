"""``laneway proxy-config``: what an Envoy says that it has, as istioctl shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from laneway.faces.cli.list_formats import Format
from laneway.faces.cli.output_formats import print_documents, print_names, print_rows
from laneway.faces.cli.process_requests import proxy_config
from laneway.faces.cli.server_requests import Server

Row = tuple[str, ...]


def run(server: Server, part: str, name: str, form: Format) -> int:
    document = proxy_config(server, name, part)
    columns, rows_of = _TABLES[part]
    if form in (Format.JSON, Format.YAML):
        print_documents([document], form, single=True)
        return 0
    rows = sorted(rows_of(document))
    if form is Format.NAME:
        print_names([row[0] for row in rows])
    else:
        print_rows(columns, rows)
    return 0


def clusters(document: Mapping[str, Any]) -> Iterator[Row]:
    for each in document.get("configs", ()):
        cluster = each["cluster"]
        kind = cluster.get("cluster_type", {}).get("name") or cluster.get("type", "STATIC")
        yield cluster["name"], kind, each.get("version_info", "")


def listeners(document: Mapping[str, Any]) -> Iterator[Row]:
    for each in document.get("configs", ()):
        state = each.get("active_state") or each.get("warming_state") or {}
        listener = state.get("listener", {})
        yield each["name"], _address(listener.get("address", {})), state.get("version_info", "")


def routes(document: Mapping[str, Any]) -> Iterator[Row]:
    for each in document.get("configs", ()):
        found = each["route_config"]
        hosts = found.get("virtual_hosts", ())
        domains = ", ".join(domain for host in hosts for domain in host["domains"])
        count = sum(len(host.get("routes", ())) for host in hosts)
        yield found["name"], domains, str(count), each.get("version_info", "")


def endpoints(document: Mapping[str, Any]) -> Iterator[Row]:
    for cluster in document.get("cluster_statuses", ()):
        for host in cluster.get("host_statuses", ()):
            health = host.get("health_status", {})
            failing = [key for key, value in health.items() if value is True]
            state = ", ".join(failing) or health.get("eds_health_status", "HEALTHY")
            yield _address(host.get("address", {})), state, cluster["name"]


def _address(address: Mapping[str, Any]) -> str:
    place = address.get("socket_address")
    if place is None:
        return str(address.get("pipe", {}).get("path", ""))
    return f"{place['address']}:{place['port_value']}"


_TABLES: Mapping[str, tuple[Row, Callable[[Mapping[str, Any]], Iterable[Row]]]] = {
    "clusters": (("Name", "Type", "Version"), clusters),
    "listeners": (("Name", "Address", "Version"), listeners),
    "routes": (("Name", "Domains", "Routes", "Version"), routes),
    "endpoints": (("Address", "Health", "Cluster"), endpoints),
}
