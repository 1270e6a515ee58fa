"""The proxies and their figures, as objects that are read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from laneway.control.proxies import ProxyStatus, ResourceStatus, Verdict
from laneway.model.meshes import Mesh
from laneway.schema.api_requests import API_VERSION

#: Requests that a proxy sent on, by (service, lane, served lane).
Counts = Mapping[tuple[str, str, str], int]


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


def traffic(mesh: Mesh, counts: Sequence[Counts]) -> list[dict[str, Any]]:
    """One object for each lane group, with the figures of its lanes, of all proxies together."""
    total: dict[tuple[str, str, str], int] = {}
    for each in counts:
        for key, number in each.items():
            total[key] = total.get(key, 0) + number
    groups = {str(service): group.name for service, group in mesh.groups_by_service.items()}
    of_group: dict[str, list[dict[str, Any]]] = {group.name: [] for group in mesh.groups}
    for (service, lane, served), number in sorted(total.items()):
        if (group := groups.get(service)) is not None:
            of_group[group].append(
                {"service": service, "lane": lane, "servedLane": served, "requests": number}
            )
    return [_traffic(group, figures) for group, figures in of_group.items()]


def _traffic(group: str, figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    fallbacks = [each for each in figures if each["lane"] != each["servedLane"]]
    return {
        "apiVersion": API_VERSION,
        "kind": "Traffic",
        "metadata": {"name": group},
        "status": {
            "requests": sum(each["requests"] for each in figures),
            "fallbacks": sum(each["requests"] for each in fallbacks),
            "lanes": list(figures),
        },
    }
