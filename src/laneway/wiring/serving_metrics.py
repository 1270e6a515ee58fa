"""What ``/metrics`` says of a laneway that runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from laneway import __version__
from laneway.adapters.http.metrics import Family
from laneway.control.histograms import Histogram
from laneway.control.proxies import ProxyStatus, Verdict
from laneway.control.revisions import RevisionStore

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
        writes,
    )


def proxy_family(statuses: Collection[ProxyStatus]) -> Family:
    states = Counter(map(_state, statuses))
    samples = [({"state": state}, float(states[state])) for state in _STATES]
    return Family("laneway_proxies", "gauge", "Envoy proxies of the mesh, by state.", samples)


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
