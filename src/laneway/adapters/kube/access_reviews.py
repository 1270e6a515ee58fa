"""Whether a user may do something: Kubernetes decides, by a SubjectAccessReview.

Answers are kept for some seconds, as Kubernetes' own extension API servers keep them, so a client
that asks often does not double the load of the API server. What is kept is bounded.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from laneway.adapters.kube.client import Client
from laneway.adapters.kube.resources import ACCESS_REVIEWS
from laneway.apiserver.front_proxy import ClusterUser

#: Seconds for which an answer counts. A right that is withdrawn works for so long.
LIFE = 10.0
MOST = 1000


@dataclass(frozen=True, slots=True)
class Access:
    """What a user wants to do; ``name`` is "" for a creation, and for what has no name yet."""

    verb: str
    group: str
    resource: str
    name: str = ""
    version: str = "v1alpha1"

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}.{self.group}" + (
            f' "{self.name}"' if self.name else ""
        )


@dataclass(frozen=True, slots=True)
class Decision:
    allowed: bool
    reason: str = ""


class AccessReviews:
    """``clock`` is in seconds, and never goes back."""

    def __init__(self, client: Client, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, Decision]] = OrderedDict()

    async def decide(self, user: ClusterUser, access: Access) -> Decision:
        """Raises ``ClusterError`` if the API server does not decide."""
        spec = _spec(user, access)
        # Of one size, whatever headers a user has.
        key = hashlib.sha256(json.dumps(spec).encode()).digest()
        if (known := self._known.get(key)) and known[0] > self._clock():
            return known[1]
        review = {
            "apiVersion": ACCESS_REVIEWS.api_version,
            "kind": ACCESS_REVIEWS.kind,
            "metadata": {},
            "spec": spec,
        }
        answer = await self._client.create(ACCESS_REVIEWS, "", review)
        decision = _decision(answer.get("status") or {})
        self._keep(key, decision)
        return decision

    def _keep(self, key: bytes, decision: Decision) -> None:
        self._known[key] = (self._clock() + LIFE, decision)
        self._known.move_to_end(key)
        while len(self._known) > MOST:
            self._known.popitem(last=False)


def _spec(user: ClusterUser, access: Access) -> dict[str, Any]:
    attributes = {
        "verb": access.verb,
        "group": access.group,
        "version": access.version,
        "resource": access.resource,
        **({"name": access.name} if access.name else {}),
    }
    return {
        "user": user.name,
        "groups": list(user.groups),
        **({"uid": user.uid} if user.uid else {}),
        **({"extra": {key: list(values) for key, values in user.extra}} if user.extra else {}),
        "resourceAttributes": attributes,
    }


def _decision(status: dict[str, Any]) -> Decision:
    allowed = status.get("allowed") is True and status.get("denied") is not True
    return Decision(allowed, str(status.get("reason") or status.get("evaluationError") or ""))
