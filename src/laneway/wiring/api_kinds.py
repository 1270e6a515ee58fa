"""Connects the resources of ``api.laneway.dev``, and events, with what answers them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from laneway.apiserver.resources import Resource
from laneway.apiserver.virtual_resources import (
    ANALYSIS,
    CHANGE_SET,
    CORE_EVENT,
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
    Listed,
    Page,
    Reader,
)
from laneway.compile.envoy.limits import check
from laneway.control.declared import Declarations
from laneway.control.revisions import RevisionStore
from laneway.wiring.change_answers import ChangeAnswers
from laneway.wiring.live_lists import LiveList
from laneway.wiring.recent_events import RecentEvents
from laneway.wiring.reconciliation import Reconciliation
from laneway.wiring.review_answers import ReviewAnswers
from laneway.wiring.reviewed_meshes import ReviewedMesh, reviewed_mesh
from laneway.wiring.revision_lists import RevisionLists
from laneway.wiring.running_lists import RunningLists
from laneway.wiring.whole_changes import WholeChanges

#: The number of changes that a watch of events may be behind.
_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class ApiKinds:
    """``live`` are the resources that can be watched, by their qualified names."""

    answering: Answering
    live: Mapping[str, LiveList]

    @property
    def lists(self) -> tuple[LiveList, ...]:
        return tuple({id(each): each for each in self.live.values()}.values())


def api_kinds(
    store: RevisionStore,
    declarations: Declarations,
    reconciliation: Reconciliation,
    resources: Collection[Resource],
    lists: RunningLists,
    events: RecentEvents,
    now: Callable[[], datetime],
    uid: Callable[[], str],
    trial: Answer,
) -> ApiKinds:
    """``now`` is in UTC; ``uid`` returns a new uid with each call; ``trial`` sends requests."""
    whole = WholeChanges(store, declarations, reconciliation, check, resources, now)
    changes = ChangeAnswers(store, declarations, whole, resources, now, uid)

    async def reviewed(revision: int | None) -> ReviewedMesh:
        return await reviewed_mesh(revision, store, declarations, now())

    reviews = ReviewAnswers(reviewed)
    history = RevisionLists(store)
    revisions = history.live(now)
    recent = LiveList(events.current, now, kept=_EVENTS)
    events.changed = recent.wake

    async def page(page: Page) -> Listed:
        await revisions.refresh()
        return replace(await history.page(page), revision=str(revisions.store.latest))

    answering = Answering(
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
        readers={REVISION.plural: Reader(page, history.get)},
    )
    live = {
        REVISION.qualified: revisions,
        PROXY.qualified: lists.proxies(now),
        TRAFFIC.qualified: lists.traffic(now),
        CORE_EVENT.qualified: recent,
        EVENT.qualified: recent,
    }
    return ApiKinds(answering, live)
