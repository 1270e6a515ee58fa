"""The shapes that all kinds share.

They contain the fields that the API server would default, so that a comparison of the rendered
documents with the objects in the cluster shows no difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from laneway.compile.gateway_api.matches import Match
from laneway.compile.ownership import owned_metadata
from laneway.model.names import ObjectName

Document = dict[str, Any]

NETWORKING = "gateway.networking.k8s.io"
ROUTE = f"{NETWORKING}/v1"
GRANT = f"{NETWORKING}/v1beta1"


@dataclass(frozen=True, slots=True)
class Backend:
    """A Service that gets ``weight`` parts of the requests. ``sets`` is a header (name, value)."""

    service: ObjectName
    port: int
    weight: int = 1
    sets: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Requests that meet one of ``matches`` go to ``backends``. Without backends they are answered
    500. ``timeout`` is that of the whole request."""

    matches: tuple[Match, ...]
    backends: tuple[Backend, ...]
    filters: tuple[Document, ...] = ()
    timeout: str | None = None

    @property
    def replaces_prefix(self) -> bool:
        paths = (
            each["urlRewrite"].get("path", {}) for each in self.filters if "urlRewrite" in each
        )
        return any("replacePrefixMatch" in path for path in paths)


def document(
    api_version: str, kind: str, namespace: str, name: str, group: str, spec: Document
) -> Document:
    metadata = owned_metadata(namespace, name, group)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def http_route(
    name: ObjectName,
    group: str,
    parent: Document,
    rules: Iterable[Rule],
    hostnames: Iterable[str] = (),
) -> Document:
    """``parent`` is the Service or Gateway whose requests it routes."""
    spec: Document = {"parentRefs": [parent]}
    hosts = list(hostnames)
    if hosts:
        spec["hostnames"] = hosts
    spec["rules"] = [_rule(rule, name.namespace) for rule in rules]
    return document(ROUTE, "HTTPRoute", name.namespace, name.name, group, spec)


def parent(group: str, kind: str, name: str, port: int | None) -> Document:
    """A reference to an object in the route's namespace, for one port or for all."""
    of: Document = {"group": group, "kind": kind, "name": name}
    return of if port is None else {**of, "port": port}


def _rule(rule: Rule, namespace: str) -> Document:
    spec: Document = {"matches": [match.document() for match in rule.matches]}
    if rule.filters:
        spec["filters"] = list(rule.filters)
    if rule.timeout is not None:
        spec["timeouts"] = {"request": rule.timeout}
    if rule.backends:
        spec["backendRefs"] = [_backend(backend, namespace) for backend in rule.backends]
    return spec


def _backend(backend: Backend, namespace: str) -> Document:
    service = backend.service
    ref: Document = {"group": "", "kind": "Service", "name": service.name}
    if service.namespace != namespace:
        ref["namespace"] = service.namespace
    ref |= {"port": backend.port, "weight": backend.weight}
    if backend.sets is not None:
        header, value = backend.sets
        modifier = {"set": [{"name": header, "value": value}]}
        ref["filters"] = [{"type": "RequestHeaderModifier", "requestHeaderModifier": modifier}]
    return ref
