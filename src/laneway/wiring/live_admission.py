"""The webhook's decision, based on what the cluster holds at the moment."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from laneway.adapters.kube.admission_context import AdmissionContext
from laneway.adapters.kube.client import Client
from laneway.operator.admission import Verdict, judge
from laneway.operator.manifests import Manifest


class LiveAdmission:
    def __init__(self, client: Client) -> None:
        self._landscape = AdmissionContext(client)

    async def run(self) -> None:
        """Keep up with the cluster until cancelled."""
        await self._landscape.run()

    @property
    def informed(self) -> bool:
        """Whether objects are judged by their surroundings, too."""
        return self._landscape.surroundings() is not None

    async def judge(self, candidate: Manifest, before: Manifest | None) -> Verdict:
        """Beside the event loop: a large mesh takes a while, and the lease has to be renewed."""
        surroundings, now = self._landscape.surroundings(), datetime.now(UTC)
        return await asyncio.to_thread(judge, candidate, before, surroundings, now)
