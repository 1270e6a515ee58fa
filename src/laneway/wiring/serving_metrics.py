"""The metrics of a running laneway, for ``/metrics``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import asdict

from laneway import __version__
from laneway.adapters.http.metrics import Family
from laneway.apiserver.traffic import Figures, by_group
from laneway.control.histograms import Histogram
from laneway.control.proxies import ProxyStatus, Verdict
from laneway.control.revisions import RevisionStore
from laneway.model.lane_propagation import Calls
from laneway.model.meshes import Mesh

_STATES = ("synced", "waiting", "rejecting", "away")


def store_families(store: RevisionStore, writes: Histogram, unreadable: int) -> Iterator[Family]:
    objects = Counter(key.resource for key in store.objects)
    yield Family(
        "laneway_build_info", "gauge", "1, of this version.", [({"version": __version__}, 1)]
    )
    yield _gauge("laneway_store_revision", "The last revision.", store.latest)
    yield _gauge(
        "laneway_store_compacted_revision", "History up to here was removed.", store.compacted
    )
    yield Family(
        "laneway_store_objects",
        "gauge",
        "Declared objects.",
        [({"resource": resource}, count) for resource, count in sorted(objects.items())],
    )
    yield _gauge(
        "laneway_store_unreadable_objects",
        "Objects in the store that this version cannot read.",
        unreadable,
    )
    yield Family(
        "laneway_store_write_seconds",
        "histogram",
        "Seconds until revisions that came in together were kept for good.",
        [({}, writes)],
    )


def proxy_family(statuses: Collection[ProxyStatus]) -> Family:
    states = Counter(map(_state, statuses))
    samples = [({"state": state}, float(states[state])) for state in _STATES]
    return Family("laneway_proxies", "gauge", "Envoy proxies of the mesh, by state.", samples)


def lane_families(mesh: Mesh, figures: Figures) -> Iterator[Family]:
    """Their labels are only names from the mesh, so their number is bounded by its lanes and
    services."""
    found = [
        (
            {
                "group": group,
                "service": pair.service,
                "lane": pair.lane,
                "served_lane": pair.served,
                "cause": pair.cause,
            },
            its,
        )
        for group, pair, its in by_group(mesh, figures)
    ]
    name = "laneway_lane_requests_total"
    text = "Requests to a service, by their lane, the lane that served them, and why another did."
    yield Family(name, "counter", text, [(labels, its.requests) for labels, its in found])
    name = "laneway_lane_request_errors_total"
    text = "Those with a status of 500 or more, without an answer, or with gRPC's server errors."
    yield Family(name, "counter", text, [(labels, its.errors) for labels, its in found])
    name = "laneway_lane_request_duration_seconds"
    yield Family(name, "histogram", "How long they took, as the caller's proxy saw it.", found)


def call_family(calls: Calls) -> Family:
    samples = [
        (
            {"group": group, "workload": str(workload), "result": result},
            float(number),
        )
        for (workload, group), its in sorted(calls.items())
        for result, number in asdict(its).items()
    ]
    text = (
        "Calls of workloads while all requests inside were of lanes: in_lane named one; "
        "without_header and unknown_value left it."
    )
    return Family("laneway_propagated_calls_total", "counter", text, samples)


def watch_family(watches: int) -> Family:
    return _gauge("laneway_api_watches", "Watches that are open.", watches)


def _state(status: ProxyStatus) -> str:
    if not status.connected:
        return "away"
    if any(resource.verdict is Verdict.REJECTED for resource in status.resources):
        return "rejecting"
    return "synced" if status.synced else "waiting"


def _gauge(name: str, text: str, value: float) -> Family:
    return Family(name, "gauge", text, [({}, value)])
