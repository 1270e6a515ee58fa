"""Snapshots as one static configuration, for Envoy itself to judge (``--mode validate``)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from laneway.adapters.runner.bootstraps import bootstrap
from laneway.compile.envoy.documents import document
from laneway.compile.resources import CLUSTER, ENDPOINT, LISTENER, ROUTE, SCOPE, Snapshot

Document = dict[str, Any]


def static_bootstrap(snapshots: Mapping[str, Snapshot]) -> Document:
    """Everything that the proxies would be sent, at once: routes and endpoints are put in place.

    Listeners are told apart by their proxy's name. Of clusters by one name any will do.
    """
    static: Document = json.loads(bootstrap("all", Path("unused"), Path("unused")))
    del static["dynamic_resources"], static["admin"]
    clusters: dict[str, Document] = {}
    listeners = []
    for node, snapshot in snapshots.items():
        routes, scopes = _documents(snapshot, ROUTE), _documents(snapshot, SCOPE)
        for name, listener in _documents(snapshot, LISTENER).items():
            listeners.append({**_with_routes(listener, routes, scopes), "name": f"{node} {name}"})
        unknown = Snapshot(
            {
                type_url: {n: r for n, r in resources.items() if n not in clusters}
                for type_url, resources in snapshot.types.items()
            }
        )
        endpoints = _documents(unknown, ENDPOINT)
        for name, cluster in _documents(unknown, CLUSTER).items():
            clusters[name] = _with_endpoints(cluster, endpoints)
    static["static_resources"] = {"listeners": listeners, "clusters": list(clusters.values())}
    return static


# The statistics logger's prefix: its successor is not in the protobuf classes that we have.
_DEPRECATED = "stats.v3.Config.stat_prefix"


def complaints(envoy: Path, configuration: Document, folder: Path) -> str:
    """What Envoy has to say against a bootstrap; nothing if it is good, warnings included."""
    path = folder / "bootstrap.json"
    path.write_text(json.dumps(configuration), encoding="utf-8")
    command = [str(envoy), "--mode", "validate", "--log-level", "warning", "-c", str(path)]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode != 0 or not result.stdout.endswith("OK\n"):
        return f"{result.stdout}{result.stderr}\nstatus {result.returncode}"
    lines = result.stderr.splitlines(keepends=True)
    return "".join(line for line in lines if _DEPRECATED not in line)


def _documents(snapshot: Snapshot, type_url: str) -> Mapping[str, Document]:
    documents = {name: document(r) for name, r in snapshot.resources(type_url).items()}
    for plain in documents.values():
        del plain["@type"]
    return documents


def _with_endpoints(cluster: Document, endpoints: Mapping[str, Document]) -> Document:
    if cluster.get("type") != "EDS":
        return cluster
    kept = {k: v for k, v in cluster.items() if k != "eds_cluster_config"}
    return {**kept, "type": "STATIC", "load_assignment": endpoints[cluster["name"]]}


def _with_routes(
    listener: Document, routes: Mapping[str, Document], scopes: Mapping[str, Document]
) -> Document:
    for manager in _managers(listener):
        if rds := manager.pop("rds", None):
            manager["route_config"] = routes[rds["route_config_name"]]
        if scoped := manager.get("scoped_routes"):
            del scoped["scoped_rds"], scoped["rds_config_source"]
            static = [_with_inline_routes(scope, routes) for scope in scopes.values()]
            scoped["scoped_route_configurations_list"] = {"scoped_route_configurations": static}
    return listener


def _with_inline_routes(scope: Document, routes: Mapping[str, Document]) -> Document:
    """Of static routes Envoy asks by default whether their clusters exist, but of these."""
    name = scope.pop("route_configuration_name")
    return {**scope, "route_configuration": {**routes[name], "validate_clusters": True}}


def _managers(listener: Document) -> Iterable[Document]:
    for chain in listener["filter_chains"]:
        for network_filter in chain["filters"]:
            yield network_filter["typed_config"]
