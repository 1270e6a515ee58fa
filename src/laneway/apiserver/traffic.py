"""The traffic figures of a group's lanes, and calls that left them, as a read-only object. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from laneway.apiserver import propagation
from laneway.control.call_totals import CountedCalls
from laneway.model.lane_figures import LaneFigures, LanePair
from laneway.model.lane_propagation import lane_propagation
from laneway.model.meshes import Mesh
from laneway.schema.api_requests import API_VERSION

_NO_CALLS = CountedCalls()
_PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}

Figures = Mapping[LanePair, LaneFigures]


def traffic(mesh: Mesh, figures: Figures, calls: CountedCalls = _NO_CALLS) -> list[dict[str, Any]]:
    """Returns one object for each lane group, with the figures of its lanes."""
    of_group: dict[str, list[tuple[LanePair, LaneFigures]]] = {g.name: [] for g in mesh.groups}
    for group, pair, its in by_group(mesh, figures):
        of_group[group].append((pair, its))
    propagated: dict[str, list[dict[str, Any]]] = {g.name: [] for g in mesh.groups}
    for each in lane_propagation(mesh, calls.recent):
        propagated[each.group.name].append(propagation.document(each, calls.seconds))
    return [_traffic(group, lanes, propagated[group]) for group, lanes in of_group.items()]


def by_group(mesh: Mesh, figures: Figures) -> list[tuple[str, LanePair, LaneFigures]]:
    """Those of services in a group, in order."""
    groups = {str(service): group.name for service, group in mesh.groups_by_service.items()}
    return [
        (groups[pair.service], pair, its)
        for pair, its in sorted(figures.items(), key=lambda item: item[0])
        if pair.service in groups
    ]


def _traffic(
    group: str,
    lanes: Sequence[tuple[LanePair, LaneFigures]],
    propagated: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "Traffic",
        "metadata": {"name": group},
        "status": {
            "requests": sum(figures.requests for _, figures in lanes),
            "errors": sum(figures.errors for _, figures in lanes),
            "fallbacks": sum(figures.requests for pair, figures in lanes if pair.is_fallback),
            "lanes": [_lane(pair, figures) for pair, figures in lanes],
            "propagation": list(propagated),
        },
    }


def _lane(pair: LanePair, figures: LaneFigures) -> dict[str, Any]:
    return {
        "service": pair.service,
        "lane": pair.lane,
        "servedLane": pair.served,
        "cause": pair.cause,
        "requests": figures.requests,
        "errors": figures.errors,
        "latencyMilliseconds": {
            name: figures.percentile(share) for name, share in _PERCENTILES.items()
        },
    }
