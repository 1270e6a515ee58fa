"""What answers each resource of ``api.laneway.dev``, and events: joined here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from laneway.apiserver.resources import Resource
from laneway.apiserver.virtual_resources import (
    ANALYSIS,
    CHANGE_SET,
    EVENT,
    EXPLANATION,
    PREVIEW,
    PROMOTION,
    PROXY,
    RENDERING,
    REQUEST_TRIAL,
    REVISION,
    ROLLBACK,
    TRAFFIC,
    Answer,
    Answering,
    Reader,
)
from laneway.compile.envoy.limits import check
from laneway.control.declared import Declarations
from laneway.control.revisions import RevisionStore
from laneway.wiring.change_answers import ChangeAnswers
from laneway.wiring.recent_events import RecentEvents
from laneway.wiring.reconciliation import Reconciliation
from laneway.wiring.review_answers import ReviewAnswers
from laneway.wiring.revision_lists import RevisionLists
from laneway.wiring.running_lists import ReadFigures, Statuses, proxy_reader, traffic_reader
from laneway.wiring.whole_changes import WholeChanges


def answering(
    store: RevisionStore,
    declarations: Declarations,
    reconciliation: Reconciliation,
    resources: Collection[Resource],
    proxies: Statuses,
    figures: ReadFigures,
    events: RecentEvents,
    now: Callable[[], datetime],
    uid: Callable[[], str],
    trial: Answer,
) -> Answering:
    """``now`` is in UTC; ``uid`` makes a new one each time; ``trial`` sends requests."""
    whole = WholeChanges(store, declarations, reconciliation, check, resources, now)
    changes = ChangeAnswers(store, declarations, whole, resources, now, uid)
    reviews = ReviewAnswers(store, declarations, now)
    revisions = RevisionLists(store)
    return Answering(
        answers={
            CHANGE_SET.plural: changes.change_set,
            PREVIEW.plural: changes.preview,
            ROLLBACK.plural: changes.rollback,
            PROMOTION.plural: changes.promotion,
            EXPLANATION.plural: reviews.explanation,
            ANALYSIS.plural: reviews.analysis,
            RENDERING.plural: reviews.rendering,
            REQUEST_TRIAL.plural: trial,
        },
        readers={
            REVISION.plural: Reader(revisions.page, revisions.get),
            PROXY.plural: proxy_reader(proxies),
            TRAFFIC.plural: traffic_reader(lambda: declarations.active, figures),
            EVENT.plural: Reader(events.page, events.get),
        },
    )
