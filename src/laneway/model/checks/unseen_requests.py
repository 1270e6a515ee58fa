"""Conditions that no request meets at a gateway, because Envoy answers it or changes its headers.

These are warnings: what Envoy removes depends on the settings of a gateway in a cluster.
"""

from __future__ import annotations

from collections.abc import Iterator

from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding, Path, Severity
from laneway.model.gateway_requests import (
    HTTP1_METHODS,
    overwritten_header,
    unseen_header,
    unseen_value,
)
from laneway.model.keys import key_of
from laneway.model.lanes import IngressRule, Lane, LaneGroup, StickyKind
from laneway.model.meshes import Mesh
from laneway.model.suggestions import nearest

#: Not MSEARCH: the method of SSDP is M-SEARCH, which Envoy does not accept.
_MEANT = HTTP1_METHODS - {"MSEARCH"}
_RULES: Path = ("spec", "ingress")


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    for group in mesh.groups:
        yield from _headers_of_group(group)
        gateway = mesh.gateways_by_name.get(group.gateway) if group.gateway else None
        tls = gateway is None or any(server.tls for server in gateway.servers)
        reported: set[int] = set()  # lanes share the rules that they have from their group
        for lane in mesh.lanes_by_group[group.name]:
            for index, rule in enumerate(lane.ingress):
                if id(rule) not in reported:
                    reported.add(id(rule))
                    yield from _rule(lane, rule, (*_RULES, index), tls)
    del gaps  # what is unread changes neither a rule nor Envoy


def _rule(lane: Lane, rule: IngressRule, path: Path, tls: bool) -> Iterator[Finding]:
    for position, method in enumerate(rule.methods):
        if method not in HTTP1_METHODS:
            suggested = nearest(method, _MEANT)
            yield Finding(
                Code.METHOD_NOT_PROXIED,
                f"Envoy answers HTTP/1.1 requests with the method {method} with 400; only those of "
                "HTTP/2 clients meet this rule",
                f"did you mean {suggested}?" if suggested else "remove it, or use HTTP/2 clients",
                key_of(lane),
                (*path, "methods", position),
                Severity.WARNING,
            )
    for name, match in rule.headers.items():
        if unseen := unseen_value(name, match, tls=tls):
            yield Finding(
                Code.UNSEEN_HEADER,
                f"no request meets rule {rule.name}: the header {name} {unseen.why}",
                unseen.fix,
                key_of(lane),
                (*path, "headers", name),
                Severity.WARNING,
            )


def _headers_of_group(group: LaneGroup) -> Iterator[Finding]:
    """Headers by which a request names a lane, its trace or its user."""
    named: list[tuple[str, Path]] = [
        (group.route_header, ("spec", "routeHeader")),
        *(
            (header, ("spec", "routeBy", "headers", index))
            for index, header in enumerate(group.route_by.headers)
        ),
    ]
    if group.trace_header.lower() != group.route_header.lower():
        named.append((group.trace_header, ("spec", "traceHeader")))
    if group.sticky is not None and group.sticky.kind is StickyKind.HEADER:
        named.append((group.sticky.name, ("spec", "sticky", "header")))
    for header, path in named:
        if unseen := unseen_header(header) or overwritten_header(header):
            yield Finding(
                Code.UNSEEN_HEADER,
                f"clients cannot set the header {header}: it {unseen.why}",
                unseen.fix,
                key_of(group),
                path,
                Severity.WARNING,
            )
