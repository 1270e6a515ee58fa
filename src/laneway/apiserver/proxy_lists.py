"""The proxies of the mesh as read-only objects. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from laneway.control.events import Rejected
from laneway.control.proxies import ProxyStatus, ResourceStatus, Verdict
from laneway.model.times import timestamp
from laneway.schema.api_requests import API_VERSION


@dataclass(frozen=True, slots=True)
class Rejection:
    """``at`` is in UTC."""

    event: Rejected
    at: datetime


def proxy(status: ProxyStatus, last: Rejection | None = None) -> dict[str, Any]:
    """The object of one proxy: what it has not acknowledged, by type, and its ``last`` rejection.

    A rejected change is reverted, so a proxy with a last rejection can be in sync again.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": "Proxy",
        "metadata": {"name": object_name(status.node)},
        "spec": {"node": status.node},
        "status": {
            "connected": status.connected,
            "synced": status.synced,
            "unacknowledged": _by_type(status.resources),
            "lastRejection": _rejection(last) if last else None,
        },
    }


def object_name(node: str) -> str:
    """A node id as a valid Kubernetes name."""
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


def _rejection(last: Rejection) -> dict[str, Any]:
    event = last.event
    return {
        "time": timestamp(last.at),
        "type": event.type_url.rpartition(".")[2],
        "resource": event.resource,
        "message": event.error,
        "objects": [{"kind": each.kind, "name": each.name} for each in event.objects],
    }
