"""The webhook's decision, based on the current objects of the cluster."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from laneway.adapters.kube.declared_objects import DeclaredObjects
from laneway.operator.admission import Verdict, judge
from laneway.operator.manifests import Manifest


class LiveAdmission:
    def __init__(self, objects: DeclaredObjects) -> None:
        self._objects = objects

    @property
    def informed(self) -> bool:
        """Whether objects are also checked against the other objects of the cluster."""
        return self._objects.filled

    async def judge(self, candidate: Manifest, before: Manifest | None) -> Verdict:
        """In a thread: a large mesh takes a while, and the lease has to be renewed meanwhile."""
        surroundings, now = self._objects.surroundings(), datetime.now(UTC)
        return await asyncio.to_thread(judge, candidate, before, surroundings, now)
