"""The kinds of objects that are generated for Gateway API: how they refer to one another."""

from __future__ import annotations

from laneway.compile.dialect import GeneratedKind, Manifest, kinds_of
from laneway.compile.gateway_api.resources import GRANT, ROUTE


def _gateways(manifest: Manifest) -> frozenset[str]:
    """As ``namespace/name``. A parent without a namespace is in the route's namespace."""
    own = manifest["metadata"].get("namespace", "")
    parents = (manifest.get("spec") or {}).get("parentRefs") or ()
    return frozenset(
        f"{parent.get('namespace', own)}/{parent['name']}"
        for parent in parents
        if parent.get("kind", "Gateway") == "Gateway"
    )


def _hosts(manifest: Manifest) -> frozenset[str]:
    """A route without hostnames is for all hosts of its gateway."""
    hosts = (manifest.get("spec") or {}).get("hostnames")
    return frozenset(hosts or (["*"] if _gateways(manifest) else ()))


KINDS = kinds_of(
    GeneratedKind("v1", "Service", "services"),
    GeneratedKind(GRANT, "ReferenceGrant", "referencegrants"),
    GeneratedKind(ROUTE, "Gateway", "gateways"),
    GeneratedKind(
        ROUTE,
        "HTTPRoute",
        "httproutes",
        is_route=True,
        gateways=_gateways,
        hosts=_hosts,
        spec_fields=("hostnames", "parentRefs"),
    ),
)
