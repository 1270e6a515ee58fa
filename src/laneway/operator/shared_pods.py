"""Pods that several lanes of a group select, according to the pods in the cluster. Pure.

Two selectors may or may not select the same pods; ``model.checks.shared_workloads`` only refuses
those that certainly do. Actual pods only lead to a condition of the lanes, and hold no group,
because pods come and go.
"""

from __future__ import annotations

from collections.abc import Mapping

from laneway.model.checks.shared_workloads import are_meant_to_share
from laneway.model.lanes_by_labels import LanesByLabels
from laneway.model.meshes import Mesh
from laneway.operator.ready_instances import Readiness

#: (group, lane) -> for each lane that it shares pods with, one of the pods.
SharedPods = Mapping[tuple[str, str], Mapping[str, str]]


def shared_pods(mesh: Mesh, readiness: Readiness) -> SharedPods:
    """What lanes share without saying so in ``sharesWorkloadsWith``."""
    shared: dict[tuple[str, str], dict[str, str]] = {}
    for group in mesh.groups:
        for service in group.services:
            lanes = mesh.subsets.get((group.name, service), ())
            index = LanesByLabels(lanes)
            for pod, labels in readiness.pods(service) if len(lanes) > 1 else ():
                selecting = index.selecting(labels)
                for one in selecting if len(selecting) > 1 else ():
                    for other in selecting:
                        if other is not one and not are_meant_to_share(one, other):
                            of_one = shared.setdefault((group.name, one.name), {})
                            of_one.setdefault(other.name, f"{service.namespace}/{pod}")
    return shared
