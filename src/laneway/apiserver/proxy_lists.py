"""The proxies of the mesh, as objects that are read. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from laneway.control.proxies import ProxyStatus, ResourceStatus, Verdict
from laneway.schema.api_requests import API_VERSION


def proxy(status: ProxyStatus) -> dict[str, Any]:
    """One proxy: what it has not acknowledged, by type, and its last rejection."""
    rejected = [each for each in status.resources if each.verdict is Verdict.REJECTED]
    return {
        "apiVersion": API_VERSION,
        "kind": "Proxy",
        "metadata": {"name": object_name(status.node)},
        "spec": {"node": status.node},
        "status": {
            "connected": status.connected,
            "synced": status.synced,
            "unacknowledged": _by_type(status.resources),
            "lastRejection": _rejection(rejected[-1]) if rejected else None,
        },
    }


def object_name(node: str) -> str:
    """A node's id as a name of Kubernetes' kind."""
    return node.replace("/", ".").replace("~", ".").replace("_", "-").lower()


def _by_type(resources: Iterable[ResourceStatus]) -> list[dict[str, Any]]:
    types: dict[str, list[ResourceStatus]] = {}
    for each in resources:
        types.setdefault(each.type_url.rpartition(".")[2], []).append(each)
    return [
        {
            "type": name,
            "pending": [r.name for r in found if r.verdict is Verdict.PENDING],
            "rejected": [r.name for r in found if r.verdict is Verdict.REJECTED],
        }
        for name, found in sorted(types.items())
    ]


def _rejection(resource: ResourceStatus) -> dict[str, str]:
    return {
        "type": resource.type_url.rpartition(".")[2],
        "resource": resource.name,
        "message": resource.error,
    }
