"""Ingress rules: a request that names a lane enters one lane, by a gateway that serves its host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding, Path, Severity
from laneway.model.gateways import Gateway
from laneway.model.keys import key_of
from laneway.model.lanes import IngressRule, Lane, LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.suggestions import listing

_Condition = tuple[object, ...]
_Claims = dict[_Condition, tuple[LaneGroup, Lane, IngressRule]]


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    claims: dict[ObjectName, _Claims] = {}
    for group in mesh.groups:
        lanes = mesh.lanes_by_group[group.name]
        if group.gateway is None:
            yield from _no_gateway(group, lanes)
            continue
        gateway = mesh.gateways_by_name.get(group.gateway)
        if gateway is not None:
            yield from _served(gateway, group, lanes)
        for lane in lanes:
            yield from _claimed(claims.setdefault(group.gateway, {}), group, lane)
    del gaps  # rules are of lanes that were read: what is unread cannot make them wrong


def _no_gateway(group: LaneGroup, lanes: tuple[Lane, ...]) -> Iterator[Finding]:
    for lane in lanes:
        if lane.ingress:
            yield Finding(
                Code.GROUP_WITHOUT_GATEWAY,
                f"lane {lane.name} has ingress rules, but lane group {group.name} has no gateway",
                "name the group's gateway, or remove the rules",
                key_of(lane),
                ("spec", "ingress"),
            )


def _served(gateway: Gateway, group: LaneGroup, lanes: tuple[Lane, ...]) -> Iterator[Finding]:
    if not gateway.servers:
        message = f"Gateway {gateway.name} has no server that sees HTTP requests"
        fix = "add one with protocol HTTP, or with HTTPS and TLS that ends at the gateway"
        path: Path = ("spec", "gateway", "name")
        yield Finding(Code.GATEWAY_SERVES_NOTHING, message, fix, key_of(group), path)
        return
    served = {host for server in gateway.servers for host in server.hosts}
    for lane in lanes:
        for index, rule in enumerate(lane.ingress):
            for position, host in enumerate(rule.hosts):
                if not any(_overlap(pattern, host) for pattern in served):
                    yield Finding(
                        Code.UNSERVED_HOST,
                        f"Gateway {gateway.name} does not serve the host {host}",
                        f"it serves {', '.join(sorted(served))}",
                        key_of(lane),
                        ("spec", "ingress", index, "hosts", position),
                        Severity.WARNING,
                    )


def _overlap(one: str, other: str) -> bool:
    """Whether a host can match both patterns (``*``, ``*.suffix`` or a host)."""
    if one == other or "*" in (one, other):
        return True
    return (one.startswith("*.") and other.endswith(one[1:])) or (
        other.startswith("*.") and one.endswith(other[1:])
    )


def _claimed(claims: _Claims, group: LaneGroup, lane: Lane) -> Iterator[Finding]:
    """Conditions claimed before: by this lane (no effect), or by another group's (conflict)."""
    names: set[str] = set()
    for index, rule in enumerate(lane.ingress):
        path: Path = ("spec", "ingress", index)
        if rule.name in names:
            message = f"lane {lane.name} has two rules named {rule.name}"
            yield _warning(lane, (*path, "name"), message, "give each its own name")
        names.add(rule.name)
        if not rule.online:
            continue
        repeated: dict[str, IngressRule] = {}
        for host in rule.hosts:
            condition = _condition(group, lane, rule, host)
            owner, other, first = claims.setdefault(condition, (group, lane, rule))
            if other is lane and first is not rule:
                repeated[host] = first
            elif other is not lane:
                where = f"{host}{f', {rule.uri}' if rule.uri else ''}"
                yield Finding(
                    Code.CONFLICTING_INGRESS,
                    f"lane {lane.name} of group {owner.name} already has {where} at this gateway",
                    "give one of the rules another host or path, or its group another route header",
                    key_of(lane),
                    path,
                )
        if repeated:
            yield _repeated(lane, rule, path, repeated)


def _repeated(
    lane: Lane, rule: IngressRule, path: Path, repeated: Mapping[str, IngressRule]
) -> Finding:
    """``repeated``: the earlier rules of the lane with the conditions of ``rule``, by host."""
    first = next(iter(repeated.values()))
    why = f"the earlier rule {first.name} has the same conditions"
    if len(repeated) < len(set(rule.hosts)):
        hosts = listing(repeated)
        message = f"rule {rule.name} never applies to {hosts}: {why} there"
        return _warning(lane, path, message, f"remove {hosts} from its hosts")
    if rule.enter and not first.enter:
        message = f"destination and actions of rule {rule.name} have no effect: {why}"
        fix = f"move enter, weight and sticky to the earlier rule {first.name}, and remove this one"
        return _warning(lane, path, message, fix)
    message = f"rule {rule.name} never applies: {why}"
    return _warning(lane, path, message, "remove it, or change its conditions")


def _warning(lane: Lane, path: Path, message: str, fix: str) -> Finding:
    return Finding(Code.DUPLICATE_RULE, message, fix, key_of(lane), path, Severity.WARNING)


def _condition(group: LaneGroup, lane: Lane, rule: IngressRule, host: str) -> _Condition:
    headers = frozenset((name.lower(), match) for name, match in rule.headers.items())
    further = frozenset(rule.methods), frozenset(rule.query.items())
    return host, rule.uri, headers, *further, group.route_header.lower(), lane.name
