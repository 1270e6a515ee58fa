"""Which fields of each kind's objects are kept in memory. Most of a cluster is of no use here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from laneway.adapters.kube.resources import (
    GATEWAYS,
    PODS,
    SERVICES,
    SLICES,
    Resource,
)
from laneway.compile.dialect import GeneratedKind
from laneway.compile.ownership import is_owned

Object = dict[str, Any]

_METADATA = (
    "name",
    "namespace",
    "labels",
    "annotations",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
)


def _picked(item: Mapping[str, Any], names: tuple[str, ...]) -> Object:
    return {name: item[name] for name in names if name in item}


def _base(item: Object, metadata: tuple[str, ...] = _METADATA) -> Object:
    kept = {"apiVersion": item["apiVersion"], "kind": item["kind"]}
    return {**kept, "metadata": _picked(item["metadata"], metadata)}


def _declared(item: Object) -> Object:
    return {**_base(item), **_picked(item, ("spec", "status"))}


def _spec(item: Object) -> Object:
    return {**_base(item), **_picked(item, ("spec",))}


def _service(item: Object) -> Object:
    """Only what makes it a service to laneway: other fields change, and newer servers have more."""
    spec = item.get("spec") or {}
    ports = [
        _picked(p, ("name", "protocol", "appProtocol", "port", "targetPort"))
        for p in spec.get("ports") or ()
    ]
    metadata = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    kept = {"ports": ports, "selector": spec.get("selector") or {}}
    kept |= _picked(spec, ("type", "clusterIP", "externalName"))
    return {**_base(item, metadata), "spec": kept}


def _slice(item: Object) -> Object:
    endpoints = [
        {
            "conditions": {"ready": (endpoint.get("conditions") or {}).get("ready")},
            "targetRef": _picked(endpoint.get("targetRef") or {}, ("name",)),
        }
        for endpoint in item.get("endpoints") or ()
    ]
    metadata = ("name", "namespace", "uid", "resourceVersion", "labels")
    return {**_base(item, metadata), "endpoints": endpoints}


def _pod(item: Object) -> Object:
    return _base(item, ("name", "namespace", "uid", "labels"))


def trim_of(resource: Resource) -> Callable[[Object], Object]:
    special = {SERVICES: _service, SLICES: _slice, PODS: _pod, GATEWAYS: _spec}
    return special.get(resource, _declared)


def generated_trim(kind: GeneratedKind) -> Callable[[Object], Object]:
    """Keeps all of laneway's own objects, and of others' what laneway reads of this kind."""

    def trim(item: Object) -> Object:
        if is_owned(item):
            return _spec(item)
        return {**_base(item), "spec": _picked(item.get("spec") or {}, kind.spec_fields)}

    return trim
