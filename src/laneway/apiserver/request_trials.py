"""The results of trial requests: their answers, and the hops that proxies counted meanwhile. Pure.

A proxy counts the requests that it forwards, by service, lane and lane that served. The difference
between two readings is the path of the requests in between, hop by hop. It includes other requests
of the same time: then the gateway has counted more than were sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laneway.apiserver.failures import Failure
from laneway.apiserver.tokens import ADMIN, Identity

#: The requests that a proxy forwarded, by (service, lane, served lane).
Counts = Mapping[tuple[str, str, str], int]
#: By the proxies' node ids.
Readings = Mapping[str, Counts]

_MOST_ANSWERS = 20
_LONGEST_BODY = 2_000


def check_may_try(identity: Identity) -> None:
    """Requests may change data of applications, so users who may only view must not send them.
    Raises ``Failure``."""
    if ADMIN not in identity.scopes and not any(s.startswith("edit:") for s in identity.scopes):
        raise Failure(
            403,
            f"requests are sent for those who may edit a lane group, and {identity.name} is none",
        )


def answers(received: Iterable[tuple[int, str]]) -> list[dict[str, Any]]:
    """Groups equal answers, in the order of arrival; ``received`` has status and body."""
    cut = ((status, body[:_LONGEST_BODY]) for status, body in received)
    counted = Counter(cut)
    return [
        {"status": status, "body": body, "count": count}
        for (status, body), count in list(counted.items())[:_MOST_ANSWERS]
    ]


def hops(before: Readings, after: Readings) -> list[dict[str, Any]]:
    """The requests that each proxy forwarded between two readings.

    A proxy without an earlier reading started from zero.
    """
    return [
        {
            "proxy": node,
            "service": service,
            "lane": lane,
            "servedLane": served,
            "requests": number,
        }
        for node, counts in after.items()
        for (service, lane, served), number in sorted(_risen(before.get(node, {}), counts))
    ]


def _risen(before: Counts, after: Counts) -> Iterator[tuple[tuple[str, str, str], int]]:
    for key, number in after.items():
        # A proxy that was replaced counts from the beginning.
        more = number - before.get(key, 0) if number >= before.get(key, 0) else number
        if more:
            yield key, more
