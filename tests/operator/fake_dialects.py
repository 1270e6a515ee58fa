"""A stand-in for the Istio emitter: the kinds, names and references that matter, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from laneway.compile.dialect import ConfiguredDialect
from laneway.compile.ir import MeshRoutes
from laneway.compile.istio.kinds import KINDS, claims
from laneway.model.meshes import Mesh

ISTIO = "networking.istio.io"


def emit(mesh: Mesh, routes: MeshRoutes) -> Iterator[dict[str, Any]]:
    for group in mesh.groups:
        for name in group.services:
            service = routes.services[name]
            lanes = [lane.name for lane in service.subsets]
            metadata = {
                "name": f"{name.name}-lanes",
                "namespace": name.namespace,
                "labels": {"laneway.dev/group": group.name},
            }
            subsets = [{"name": s.name, "labels": dict(s.selector)} for s in service.subsets]
            yield document("DestinationRule", "v1", metadata, host=name.host, subsets=subsets)
            patches = [cluster(f"{lane}|{name.host}") for lane in lanes]
            yield document("EnvoyFilter", "v1alpha3", metadata, configPatches=patches)
            http = [route(lane, name.host) for lane in lanes]
            yield document("VirtualService", "v1", metadata, hosts=[name.host], http=http)


def document(kind: str, version: str, metadata: dict[str, Any], **spec: Any) -> dict[str, Any]:
    api = f"{ISTIO}/{version}"
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def cluster(name: str) -> dict[str, Any]:
    match = {"context": "SIDECAR_OUTBOUND"}
    patch = {"operation": "ADD", "value": {"name": name}}
    return {"applyTo": "CLUSTER", "match": match, "patch": patch}


def route(lane: str, host: str) -> dict[str, Any]:
    return {"name": lane, "route": [{"destination": {"host": host, "subset": lane}}]}


def no_report(mesh: Mesh, routes: MeshRoutes) -> tuple[()]:
    return ()


DIALECT = ConfiguredDialect(emit, no_report, KINDS, claims)
