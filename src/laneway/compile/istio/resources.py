"""The shapes that all kinds share: metadata, destinations, retries, matches."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from laneway.compile.ir import Target
from laneway.compile.ownership import owned_metadata
from laneway.model.lanes import LaneGroup
from laneway.model.matches import StringMatch

Document = dict[str, Any]

NETWORKING = "networking.istio.io/v1"
ENVOY_FILTER = "networking.istio.io/v1alpha3"


def document(
    api_version: str,
    kind: str,
    namespace: str,
    name: str,
    group: LaneGroup,
    spec: Document,
    groups: Collection[str] = (),
) -> Document:
    """``groups`` are all groups that the object is for, if ``group`` is not the only one."""
    metadata = owned_metadata(namespace, name, group.name, groups)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def destination(target: Target) -> Document:
    """The lane's own subset, without an EnvoyFilter. (An EnvoyFilter adds a chain's fallback.)

    It always names the port: otherwise a gateway would use its own port for the service's.
    """
    subset = {"subset": target.chain[0]} if target.chain else {}
    port = {"number": target.port.port}
    return {"host": target.service.host, "port": port, **subset}


def retries() -> Document:
    """Retry only requests that cannot have reached an application. A patch adds the header."""
    return {"attempts": 8, "retryOn": "connect-failure,refused-stream,retriable-headers"}


def string_match(match: StringMatch) -> Document:
    return {match.kind.value: match.value}


def string_matches(matches: Mapping[str, StringMatch]) -> Document:
    return {name: string_match(match) for name, match in sorted(matches.items())}


def without_lane(header: str) -> Document:
    """``headers`` of a destination that remove the route header."""
    return {"headers": {"request": {"remove": [header.lower()]}}}


def named_lane(header: str, lane: str) -> Document:
    """``headers`` of a route or destination that set the route header to ``lane``."""
    return {} if not lane else {"headers": {"request": {"set": {header.lower(): lane}}}}
