"""Names of emitted objects. They are stable: a change of one lane renames nothing of another."""

from __future__ import annotations

import hashlib
import json

from laneway.compile.ir import EntryRule, IngressRoute, Target
from laneway.model.matches import StringMatch
from laneway.model.names import ObjectName

#: An object's name has at most 253 characters.
_SLUG = 100


def subset_cluster(target: Target, subset: str) -> str:
    """Istio's own name for a subset's cluster."""
    return f"outbound|{target.port.port}|{subset}|{target.service.host}"


def target_cluster(target: Target) -> str:
    """The cluster that serves the target: a subset's, or the aggregate over its chain (s2>s1)."""
    return subset_cluster(target, ">".join(target.chain))


def service_object(service: ObjectName) -> str:
    """For objects in the service's own namespace."""
    return f"{service.name}-lanes"


def root_object(service: ObjectName) -> str:
    """For objects in the root namespace, where services of all namespaces meet."""
    return f"{service.name}.{service.namespace}-lanes"


def workload_filter(service: ObjectName) -> str:
    """For the lane filter beside a service's workloads, in the service's namespace."""
    return f"{service.name}-lane-filter"


def lane_filter(direction: str, group: str) -> str:
    """The extension configuration's name, by which an HTTP filter refers to it."""
    return f"laneway.lane_filter.{direction}.{group}"


def lane_filter_object(direction: str, group: str) -> str:
    """For the object with that configuration, in the root namespace."""
    return f"{group}-lane-filter-{direction}"


def gateway_filter(gateway: ObjectName) -> str:
    return f"{gateway.name}.{gateway.namespace}-gateway-lanes"


def gateway_routes(
    gateway: ObjectName, domain: str, port: int | None, *, elsewhere: bool = False
) -> str:
    """``*`` cannot stand in a name: a digest tells ``*.example.com`` from ``any.example.com``.

    ``elsewhere``: in another namespace than the gateway's, where those of several may meet.
    """
    slug = domain.replace("*", "any").replace("_", "-")[:_SLUG].rstrip(".-")
    at = f"-{port}" if port is not None else ""
    name = str(gateway) if elsewhere else gateway.name
    return f"{gateway.name}{at}-{slug}-{_digest([name, domain, port])}"


def service_route(target: Target, lane: str | None) -> str:
    """The route of requests in ``lane``, or of all others for ``None``."""
    return f"laneway|{target.port.port}|{lane or ''}|{target.service.host}"


def caller_route(target: Target, lane: str) -> str:
    """The route of calls that belong to ``lane`` because one of its workloads makes them."""
    return f"laneway|{target.port.port}|caller {lane}|{target.service.host}"


def entry_filter(gateway: ObjectName) -> str:
    return f"{gateway.name}.{gateway.namespace}-gateway-entry"


def entry_route(gateway: ObjectName, entry: EntryRule) -> str:
    """The route of one ``enter`` condition, which several lanes may share."""
    condition = [entry.group, *_condition(entry)]
    return f"laneway|{gateway}|enter {entry.rules[0][1].name}-{_digest(condition)}"


def ingress_route(gateway: ObjectName, route: IngressRoute, branch: str) -> str:
    """``branch`` tells apart the routes that one condition becomes.

    Rules of one name may state different conditions; the digest is over the condition.
    """
    return f"laneway|{gateway}|{route.rules[0][1].name}-{_digest(_condition(route))}|{branch}"


def _condition(rule: IngressRoute | EntryRule) -> list[object]:
    return [
        rule.host,
        _plain(rule.uri),
        list(rule.methods),
        [[name, _plain(match)] for name, match in sorted(rule.headers.items())],
        [[name, _plain(match)] for name, match in sorted(rule.query.items())],
    ]


def _plain(match: StringMatch | None) -> str | None:
    return None if match is None else str(match)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:8]
