"""The user's own routing objects, beside those that laneway generates.

laneway does not apply them. It keeps only the fields that decide whether they conflict.
"""

from __future__ import annotations

from dataclasses import dataclass

from laneway.model.findings import ObjectKey
from laneway.model.names import ObjectName


@dataclass(frozen=True, slots=True)
class ExistingObject:
    """``hosts``, ``gateways``, ``export_to`` and ``subsets`` are those of Istio's VirtualService
    and DestinationRule, as written. ``selects``: it is for some workloads alone."""

    api_group: str
    kind: str
    name: ObjectName
    hosts: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    export_to: tuple[str, ...] = ()
    subsets: tuple[str, ...] = ()
    selects: bool = False

    @property
    def key(self) -> ObjectKey:
        return ObjectKey(self.kind, str(self.name))

    def full_host(self, host: str) -> str:
        """A short host resolved in the object's namespace, as Istio does it."""
        is_short = "." not in host and "*" not in host
        return f"{host}.{self.name.namespace}.svc.cluster.local" if is_short else host.lower()

    def full_gateway(self, gateway: str) -> str:
        """``namespace/name``; ``mesh`` stands for all sidecars."""
        if gateway == "mesh" or "/" in gateway:
            return gateway
        name, *rest = gateway.split(".")
        return f"{rest[0] if rest else self.name.namespace}/{name}"
