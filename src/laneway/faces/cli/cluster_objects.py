"""What a cluster declares of lanes, and what laneway's operator reads besides."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from laneway.faces.cli import object_requests
from laneway.faces.cli.resource_words import references
from laneway.faces.cli.server_requests import Server
from laneway.faces.cli.terminals import errors, fact
from laneway.model.findings import Finding

Manifest = Mapping[str, Any]


def cluster_objects(server: Server) -> list[Manifest]:
    """Raises ``ServerError``."""
    resources = references(["lanegroups,lanes,services,gateways"], "")
    return [each for resource in resources for each in object_requests.find(server, resource)]


def warn_of(found: Collection[Finding]) -> None:
    """Of objects that are not accepted, and so are not part of the answer."""
    for finding in found:
        errors().print(fact("warning:", "bold yellow", f"left out: {finding}"), soft_wrap=True)
