"""Clients that promote lanes, take promotions back, and roll back to earlier revisions."""

from __future__ import annotations

from typing import Any

from tests.simulation.actors import LANES, Action, Client
from tests.simulation.manifests import GROUP, SERVICES

_API = "api.laneway.dev/v1alpha1"


class Releaser(Client):
    """A client that does this, too."""

    @property
    def actions(self) -> list[Action]:
        return [*super().actions, self._promote, self._promote, self._roll_back, self._roll_back]

    async def _promote(self) -> None:
        services = self._random.choice((None, [self._random.choice(SERVICES)]))
        spec: dict[str, Any] = {"group": GROUP, "lane": self._random.choice(LANES)}
        if services:
            spec["services"] = services
        if self._random.random() < 0.4:
            spec["undo"] = True
        status = await self._ask_for("Promotion", spec)
        if status is not None and status["revision"] is not None:
            patch = status["patch"]["spec"]["serviceBaselines"]
            self._ledger.promoted.append((int(status["revision"]), patch))

    async def _roll_back(self) -> None:
        before = self._latest()
        target = self._random.randint(max(1, before - 20), before)
        status = await self._ask_for("Rollback", {"revision": target})
        if status is not None and status["revision"] is not None:
            self._ledger.rolled_back.append((int(status["revision"]), target, before))

    async def _ask_for(self, kind: str, spec: dict[str, Any]) -> dict[str, Any] | None:
        """The status of the answer, or None if it is refused or lost."""
        body = {"apiVersion": _API, "kind": kind, "metadata": {}, "spec": spec}
        path = f"/apis/{_API}/{kind.lower()}s"
        answer = await self._ask("POST", path, body, about=f"({spec})")
        if answer is None or not answer.ok:
            return None
        status: dict[str, Any] = answer.document["status"]
        return status
