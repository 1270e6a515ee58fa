"""Kubernetes Events about objects, as laneway writes them."""

from __future__ import annotations

from collections.abc import Callable

from laneway.adapters.kube.client import FIELD_MANAGER, Client
from laneway.adapters.kube.resources import EVENTS
from laneway.operator.cluster_port import Note
from laneway.operator.manifests import Manifest


class Announcer:
    """``identity`` names this process in the events; ``now`` is RFC 3339 with microseconds."""

    def __init__(self, client: Client, identity: str, now: Callable[[], str]) -> None:
        self._client = client
        self._identity = identity
        self._now = now

    async def announce(self, subject: Manifest, note: Note, action: str = "Reconcile") -> None:
        metadata = subject["metadata"]
        namespace = metadata.get("namespace") or "default"
        regarding = {
            "apiVersion": subject["apiVersion"],
            "kind": subject["kind"],
            "name": metadata["name"],
            "namespace": metadata.get("namespace", ""),
            "uid": metadata.get("uid", ""),
        }
        body = {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"generateName": f"{metadata['name']}-", "namespace": namespace},
            "eventTime": self._now(),
            "reportingController": f"laneway.dev/{FIELD_MANAGER}",
            "reportingInstance": self._identity,
            "action": action,
            "reason": note.reason,
            "note": note.text,
            "type": "Warning" if note.warning else "Normal",
            "regarding": regarding,
        }
        await self._client.create(EVENTS, namespace, body)
