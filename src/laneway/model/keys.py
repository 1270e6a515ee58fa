"""The keys of declared objects in findings: the kind, and the name within its scope."""

from __future__ import annotations

from laneway.model.findings import ObjectKey
from laneway.model.gateways import Gateway
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.services import Service
from laneway.model.workloads import Workload

Declared = LaneGroup | Lane | Service | Workload | Gateway


def key_of(declared: Declared) -> ObjectKey:
    """A lane's scope is its group: ``Lane test/s2``; a service's its namespace."""
    if isinstance(declared, Lane):
        return ObjectKey("Lane", f"{declared.group}/{declared.name}")
    return ObjectKey(type(declared).__name__, str(declared.name))
