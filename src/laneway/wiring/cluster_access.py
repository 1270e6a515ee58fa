"""What a user of a cluster may do, as a refusal where it is not allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from laneway.adapters.kube.access_reviews import Access, AccessReviews
from laneway.apiserver.failures import Failure
from laneway.apiserver.front_proxy import ClusterUser
from laneway.apiserver.tokens import Identity
from laneway.apiserver.virtual_resources import VirtualResource
from laneway.operator.cluster_port import ClusterError

#: Reviews that are under way at once for one request.
_AT_ONCE = 8


class ClusterAccess:
    def __init__(self, reviews: AccessReviews) -> None:
        self._reviews = reviews

    async def authorize(self, user: Identity, resource: VirtualResource) -> None:
        """Whether the user may create objects of the resource. Raises ``Failure``."""
        await self.check(user, [Access("create", resource.group, resource.plural)])

    async def check(self, user: Identity, accesses: Iterable[Access]) -> None:
        """Raises ``Failure``: 403 with all that is not allowed, 503 if the cluster does not
        decide."""
        assert isinstance(user, ClusterUser)
        slots = asyncio.Semaphore(_AT_ONCE)

        async def refused(access: Access) -> str:
            async with slots:
                decision = await self._reviews.decide(user, access)
            return "" if decision.allowed else _refusal(user, access, decision.reason)

        try:
            async with asyncio.TaskGroup() as tasks:
                asked = [tasks.create_task(refused(each)) for each in dict.fromkeys(accesses)]
        except* ClusterError as errors:
            text = f"the cluster does not say what {user.name} may do: {errors.exceptions[0]}"
            raise Failure(503, text) from errors
        if texts := [text for task in asked if (text := task.result())]:
            listed = "; ".join(texts[:10]) + ("; ..." if len(texts) > 10 else "")
            raise Failure(403, listed)


def _refusal(user: ClusterUser, access: Access, reason: str) -> str:
    """As Kubernetes words it."""
    named = f' "{access.name}"' if access.name else ""
    return (
        f'{access.resource}.{access.group}{named} is forbidden: User "{user.name}" cannot '
        f'{access.verb} resource "{access.resource}" in API group "{access.group}" at the cluster '
        f"scope{f': {reason}' if reason else ''}"
    )
