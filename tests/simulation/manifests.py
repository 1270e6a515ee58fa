"""The objects that clients write. Each lane's rules have a mark, which is found in routes again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.simulation.runners import MISSING, NEVER_READY

from laneway.control.revisions import ObjectId

V1 = "laneway.dev/v1alpha1"
#: The annotation that tells who wrote an object last, and the one that clients count in.
MARK, COUNT = "test/mark", "test/count"
#: What some proxies refuse, wherever it stands.
POISON = "poison"
SERVICES = ("web", "api")
GROUP = "shop"
_PATHS = {
    "LaneGroup": f"/apis/{V1}/lanegroups",
    "Lane": f"/apis/{V1}/lanes",
    "Workload": f"/apis/{V1}/namespaces/default/workloads",
    "Service": "/api/v1/namespaces/default/services",
    "Gateway": "/apis/networking.istio.io/v1/namespaces/default/gateways",
}
_PLURALS = {
    "LaneGroup": "lanegroups.laneway.dev",
    "Lane": "lanes.laneway.dev",
    "Workload": "workloads.laneway.dev",
    "Service": "services",
    "Gateway": "gateways.networking.istio.io",
}
_MARKED = re.compile(rb"(mark-\d+)\.")


def path_of(kind: str, name: str = "") -> str:
    return _PATHS[kind] + (f"/{name}" if name else "")


def resource_of(kind: str) -> str:
    return _PLURALS[kind]


def key_of(manifest: Mapping[str, Any]) -> ObjectId:
    metadata = manifest["metadata"]
    return ObjectId(_PLURALS[manifest["kind"]], metadata.get("namespace", ""), metadata["name"])


def mark_of(manifest: Mapping[str, Any]) -> str:
    return str(manifest["metadata"].get("annotations", {}).get(MARK, ""))


def marks_in(body: bytes) -> frozenset[str]:
    """Those of the lanes that a route serves."""
    return frozenset(found.decode() for found in _MARKED.findall(body))


def lane(
    name: str, mark: str, *, poison: bool = False, invalid: bool = False, expires: str = ""
) -> dict[str, Any]:
    value = f"{mark}.{POISON if poison else 'fine'}"  # the dot ends the mark
    rule = {
        "name": "all",
        "headers": {"x-mark": {"exact": value}},
        "destination": "nowhere" if invalid else "web",
    }
    spec = {"group": GROUP, "selector": {"version": name}, "ingress": [rule]}
    if expires:
        spec["expiresAt"] = expires
    return _object("Lane", name, mark, spec)


def group(mark: str) -> dict[str, Any]:
    spec = {
        "gateway": "entry",
        "routeHeader": "x-lane",
        "traceHeader": "x-request-id",
        "services": list(SERVICES),
        "ingress": [{"name": "all", "destination": "web"}],
    }
    return _object("LaneGroup", GROUP, mark, spec)


def workload(service: str, version: str, mark: str, command: str = "run") -> dict[str, Any]:
    spec = {"command": [command, mark], "ports": [{"port": 8000}]}
    made = _object("Workload", f"{service}-{version}", mark, spec)
    made["metadata"]["labels"] = {"app": service, "version": version}
    return made


def service(name: str, mark: str) -> dict[str, Any]:
    spec = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8000}]}
    return _object("Service", name, mark, spec, "v1")


def gateway(mark: str) -> dict[str, Any]:
    port = {"number": 80, "name": "http", "protocol": "HTTP"}
    spec = {"servers": [{"port": port, "hosts": ["*"]}]}
    return _object("Gateway", "entry", mark, spec, "networking.istio.io/v1")


def first_objects(mark: str) -> list[dict[str, Any]]:
    return [
        gateway(mark),
        *(service(name, mark) for name in SERVICES),
        *(workload(name, "base", mark) for name in SERVICES),
        group(mark),
        lane("base", mark),
    ]


def is_harmful(manifest: Mapping[str, Any]) -> bool:
    """Whether it is invalid, refused by proxies, or cannot be started."""
    text = str(manifest["spec"])
    name = manifest["metadata"]["name"]
    return POISON in name or any(f in text for f in (POISON, "nowhere", MISSING, NEVER_READY))


def _object(
    kind: str, name: str, mark: str, spec: Mapping[str, Any], api: str = V1
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "annotations": {MARK: mark}}
    if kind in ("Service", "Gateway", "Workload"):
        metadata["namespace"] = "default"
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": dict(spec)}
