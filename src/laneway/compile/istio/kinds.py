"""The kinds of objects that are generated for Istio: how they refer to one another."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable

from laneway.compile.dialect import FindClaim, GeneratedKind, Manifest, Parts, kinds_of
from laneway.compile.istio.resources import ENVOY_FILTER, NETWORKING
from laneway.compile.ownership import is_owned

#: Istio's word for the sidecars, in the place of a gateway's name.
_MESH = "mesh"
_EXTENSION = "EXTENSION_CONFIG"


def _gateways(manifest: Manifest) -> frozenset[str]:
    return frozenset((manifest.get("spec") or {}).get("gateways") or ()) - {_MESH}


def _hosts(manifest: Manifest) -> frozenset[str]:
    return frozenset((manifest.get("spec") or {}).get("hosts") or ())


def _subset(part: Manifest) -> Hashable:
    return part.get("name")


def _patch(part: Manifest) -> Hashable:
    """Two patches are the same if they create the same object, or match the same one."""
    if part.get("applyTo") in ("CLUSTER", "HTTP_FILTER", _EXTENSION):
        value = (part.get("patch") or {}).get("value") or {}
        if "name" in value:
            return part["applyTo"], value["name"]
    return part.get("applyTo"), json.dumps(part.get("match"), sort_keys=True)


def _has_extensions_only(manifest: Manifest) -> bool:
    """Whether other EnvoyFilters refer to it. A proxy waits for a missing extension."""
    patches = (manifest.get("spec") or {}).get("configPatches") or []
    return bool(patches) and all(each.get("applyTo") == _EXTENSION for each in patches)


KINDS = kinds_of(
    GeneratedKind(
        NETWORKING, "DestinationRule", "destinationrules", parts=Parts("subsets", _subset)
    ),
    GeneratedKind(
        ENVOY_FILTER,
        "EnvoyFilter",
        "envoyfilters",
        parts=Parts("configPatches", _patch),
        is_base=_has_extensions_only,
    ),
    # Held the lane filter once. What replaces it comes first.
    GeneratedKind("extensions.istio.io/v1alpha1", "WasmPlugin", "wasmplugins", retired=True),
    GeneratedKind(
        NETWORKING,
        "VirtualService",
        "virtualservices",
        is_route=True,
        gateways=_gateways,
        hosts=_hosts,
        spec_fields=("hosts", "gateways"),
    ),
)


def claims(existing: Iterable[Manifest]) -> FindClaim:
    """Finds a user's VirtualService that already routes a host in the mesh.

    Only one VirtualService routes a host in the mesh: if there are several, Istio takes the oldest.
    So one that is younger than laneway's own has no effect, and is no claim. (At a gateway, Istio
    merges them.)
    """
    routes = [manifest for manifest in existing if manifest["kind"] == "VirtualService"]
    owned = {host: _created(m) for m in routes if is_owned(m) for host in _hosts_in_mesh(m)}
    others = {
        host: manifest
        for manifest in routes
        if not is_owned(manifest)
        for host in _hosts_in_mesh(manifest)
        if host not in owned or _created(manifest) < owned[host]
    }

    def find(manifest: Manifest) -> Manifest | None:
        hosts = _hosts_in_mesh(manifest) if manifest["kind"] == "VirtualService" else ()
        return next((others[host] for host in hosts if host in others), None)

    return find


def _created(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("creationTimestamp") or "")


def _hosts_in_mesh(manifest: Manifest) -> tuple[str, ...]:
    """A VirtualService's hosts, short names resolved in its own namespace, as Istio does."""
    spec = manifest.get("spec") or {}
    if _MESH not in (spec.get("gateways") or [_MESH]):
        return ()
    namespace = manifest["metadata"].get("namespace", "")
    return tuple(
        host if "." in host or "*" in host else f"{host}.{namespace}.svc.cluster.local"
        for host in spec.get("hosts") or ()
    )
