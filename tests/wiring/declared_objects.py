"""Objects of a small cluster: two services with two versions each, one group, lanes v1 and v2."""

from __future__ import annotations

from typing import Any

from tests.adapters.kube.api_servers import ApiServer

Object = dict[str, Any]


def service(name: str) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": 8000, "protocol": "TCP"}]
    spec = {"selector": {"app": name}, "ports": ports, "clusterIP": "10.0.0.1", "brandNew": 1}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def group(*services: str, name: str = "g", **more: Any) -> Object:
    spec = {"routeHeader": "x-lane", "services": [{"name": s} for s in services], **more}
    return {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "LaneGroup",
        "metadata": {"name": name},
        "spec": spec,
    }


def lane(version: str, *services: str, of: str = "g", **more: Any) -> Object:
    spec = {"group": of, "selector": {"version": version}, **more}
    if services:
        spec["services"] = [{"name": s} for s in services]
    return {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "Lane",
        "metadata": {"name": version},
        "spec": spec,
    }


def gateway() -> Object:
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "gate", "namespace": "default"},
        "spec": {"selector": {"istio": "gateway"}, "servers": [server]},
    }


def pod(app: str, version: str) -> Object:
    metadata = {"name": f"{app}-{version}", "namespace": "default"}
    metadata_labels = {"labels": {"app": app, "version": version}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, **metadata_labels}}


def endpoints(app: str, **ready: bool) -> Object:
    """``endpoints("a", v1=True)``: pod a-v1 is ready."""
    metadata = {"name": f"{app}-x", "namespace": "default"}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**metadata, "labels": {"kubernetes.io/service-name": app}},
        "endpoints": [
            {"conditions": {"ready": state}, "targetRef": {"kind": "Pod", "name": f"{app}-{v}"}}
            for v, state in ready.items()
        ],
    }


async def declare(api: ApiServer) -> None:
    for app in ("a", "b"):
        await api.write("services", service(app))
        for version in ("v1", "v2"):
            await api.write("pods", pod(app, version))
        await api.write("endpointslices", endpoints(app, v1=True, v2=True))
    await api.write("lanegroups", group("a", "b"))
    await api.write("lanes", lane("v1"), created="2026-01-01T00:00:00Z")
    await api.write("lanes", lane("v2", "b"), created="2026-01-02T00:00:00Z")
