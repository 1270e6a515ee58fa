"""Drafts and clocks for tests of stores."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

from laneway.control.revisions import Draft, ObjectId, RevisionStore

LANE = "lanes.laneway.dev"


class Clock:
    """Each look at it is a second later."""

    def __init__(self) -> None:
        self._seconds = count()

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(1_700_000_000 + next(self._seconds), UTC)


def lane(name: str) -> ObjectId:
    return ObjectId(LANE, "", name)


def draft(**writes: Any) -> Draft:
    """Each keyword is a lane, and its value the lane's label; None deletes it."""
    manifests = {
        lane(name): None if label is None else {"kind": "Lane", "metadata": {"label": label}}
        for name, label in writes.items()
    }
    return Draft(manifests, principal="jack", source="tests", reason="because")


async def append(store: RevisionStore, **writes: Any) -> int:
    revision = await store.append(draft(**writes), expected=store.submitted)
    return revision.number


def labels(objects: Any) -> dict[str, tuple[str, int]]:
    """What each lane's label is, and the revision that wrote it."""
    return {
        key.name: (stored.manifest["metadata"]["label"], stored.revision)
        for key, stored in objects.items()
    }
