"""What operators ask of a laneway that serves: its figures, and to remove history."""

from __future__ import annotations

from collections.abc import Callable

from starlette.routing import Route

from laneway.adapters.files.yamls import one_document
from laneway.adapters.http.compactions import compaction_route
from laneway.adapters.http.metrics import Family, metrics_route
from laneway.adapters.http.watches import Watches
from laneway.adapters.store.memory import MemoryStore
from laneway.adapters.store.sqlite import SqliteStore
from laneway.control.compaction import HistoryBounds
from laneway.wiring.compactions import compact
from laneway.wiring.embedded import Embedded
from laneway.wiring.lane_expiry import utc_now
from laneway.wiring.lane_traffic import LaneTraffic
from laneway.wiring.reconciliation import Reconciliation
from laneway.wiring.serving_metrics import (
    call_family,
    lane_families,
    proxy_family,
    store_families,
    watch_family,
)


def operations(
    store: MemoryStore | SqliteStore,
    embedded: Embedded,
    traffic: LaneTraffic,
    reconciliation: Reconciliation,
    watches: Watches,
    requests: Callable[[], Family],
) -> list[Route]:
    """Routes of the API. ``requests`` counts those to the API."""

    async def collect() -> list[Family]:
        figures, calls = await traffic.figures(), await traffic.calls()
        return [
            *store_families(store, store.write_seconds, len(reconciliation.unreadable)),
            proxy_family(embedded.proxies()),
            *lane_families(embedded.declarations.active, figures),
            call_family(calls.totals),
            watch_family(watches.count),
            requests(),
        ]

    async def compacted(keep: int) -> int:
        return await compact(store, HistoryBounds.last(keep), utc_now())

    return [metrics_route(collect), compaction_route(compacted, one_document)]
