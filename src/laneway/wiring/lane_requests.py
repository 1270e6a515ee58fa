"""Example requests that enter each lane by naming it, according to the mesh's ingress rules.

``up`` and ``demo`` print them, and the API lists them for ``verify``.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from laneway.model.lanes import Lane, LaneGroup, Propagation
from laneway.model.matches import MatchKind
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.trace_contexts import example


@dataclass(frozen=True, slots=True)
class LaneRequest:
    """``lane`` is "" for a request that names none. The value of ``trace_header`` should differ
    from request to request. ``port`` is the declared port of the gateway."""

    group: str
    lane: str
    gateway: ObjectName
    port: int
    url: str
    path: str
    headers: Mapping[str, str]
    trace_header: str | None = None

    def numbered(self, number: int) -> Mapping[str, str]:
        """The headers of one request out of many. Its number is positive."""
        if self.trace_header is None:
            return self.headers
        return {**self.headers, self.trace_header: example(self.trace_header, number)}

    def curl(self) -> str:
        """Without a trace id: the gateway creates one, so no two requests share it."""
        headers = self.headers.items()
        words = [word for name, value in headers for word in ("-H", f"{name}:{value}")]
        return shlex.join(["curl", *words, f"{self.url}{self.path}"])


def gateway_requests(
    mesh: Mesh, urls: Mapping[ObjectName, Mapping[int, str]]
) -> Iterator[LaneRequest]:
    """One request for every lane with a rule whose path is known."""
    for group in mesh.groups:
        if group.gateway is None:
            continue
        ports = urls.get(group.gateway, {})
        for lane in mesh.lanes_by_group[group.name]:
            for port, url in list(ports.items())[:1]:
                yield from _requests(group, lane, group.gateway, port, url)


def without_lane(requests: Iterator[LaneRequest], mesh: Mesh) -> Iterator[LaneRequest]:
    """The first request of each group, without the header that names the lane."""
    headers = {group.name: group.route_header for group in mesh.groups}
    seen = set()
    for request in requests:
        if request.group in seen:
            continue
        seen.add(request.group)
        kept = {k: v for k, v in request.headers.items() if k != headers[request.group]}
        yield replace(request, lane="", headers=kept)


def _requests(
    group: LaneGroup, lane: Lane, gateway: ObjectName, port: int, url: str
) -> Iterator[LaneRequest]:
    for rule in lane.ingress:
        if not rule.online or (rule.uri is not None and rule.uri.kind is MatchKind.REGEX):
            continue
        headers = {}
        if not any("*" in host for host in rule.hosts):
            headers["Host"] = rule.hosts[0]
        for name, match in rule.headers.items():
            headers[name] = match.value
        headers[group.route_header] = lane.name
        traced = group.propagation is Propagation.TRACE
        yield LaneRequest(
            group=group.name,
            lane=lane.name,
            gateway=gateway,
            port=port,
            url=url,
            path=rule.uri.value if rule.uri is not None else "/",
            headers=headers,
            trace_header=group.trace_header if traced else None,
        )
        return
