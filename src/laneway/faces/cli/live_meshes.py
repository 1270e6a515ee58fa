"""The mesh of a running laneway, as its API shows it, and where its gateways listen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from laneway.apiserver.resources import served
from laneway.control.revisions import ObjectId, StoredObject
from laneway.faces.cli.past_objects import Objects, objects_at
from laneway.faces.cli.process_requests import processes
from laneway.faces.cli.server_requests import Server
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.wiring.reviewed_meshes import declared_mesh
from laneway.wiring.stored_declarations import declared_at_start


@dataclass(frozen=True, slots=True)
class LiveMesh:
    """``objects`` are what declares the mesh. Groups name the baselines that they go by."""

    mesh: Mesh
    objects: Objects

    def workload(self, name: ObjectName) -> Mapping[str, Any]:
        return self.objects[ObjectId("workloads.laneway.dev", name.namespace, name.name)]


def live_mesh(server: Server) -> LiveMesh:
    """Raises ``ServerError``."""
    objects = objects_at(server, served(), None)
    stored = {key: StoredObject(_with_baseline(each), 0, 0) for key, each in objects.items()}
    return LiveMesh(declared_mesh(declared_at_start(stored)), objects)


def _with_baseline(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """A group without one goes by the baseline of its status: lists do not have the order in which
    lanes were declared."""
    recorded = (manifest.get("status") or {}).get("baseline")
    if manifest["kind"] != "LaneGroup" or not recorded or manifest["spec"].get("baseline"):
        return manifest
    return {**manifest, "spec": {**manifest["spec"], "baseline": recorded}}


def gateway_urls(server: Server) -> Mapping[ObjectName, Mapping[int, str]]:
    """By gateway and by the port that is declared. Raises ``ServerError``."""
    return {
        ObjectName.of(each["spec"]["of"]): {
            int(port): f"http://{address}" for port, address in each["status"]["ports"].items()
        }
        for each in processes(server)
        if each["spec"].get("role") == "Gateway"
    }
