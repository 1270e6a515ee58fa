"""Lists that are read from the running mesh: its proxies, and the requests that they counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from laneway.adapters.runner.admin import AdminUnreachable
from laneway.apiserver import proxy_lists
from laneway.apiserver.proxy_lists import Counts
from laneway.apiserver.virtual_resources import Listed, Page, Reader
from laneway.control.proxies import ProxyStatus
from laneway.model.meshes import Mesh

#: How many proxies are asked for their figures at a time.
_AT_ONCE = 16

Statuses = Callable[[], Sequence[ProxyStatus]]
CountRequests = Callable[[str], Awaitable[Counts]]


def proxy_reader(statuses: Statuses) -> Reader:
    async def listed() -> list[dict[str, Any]]:
        return [proxy_lists.proxy(each) for each in statuses()]

    return _reader(listed)


def traffic_reader(statuses: Statuses, mesh: Callable[[], Mesh], count: CountRequests) -> Reader:
    """``count`` raises ``AdminUnreachable`` for a proxy that does not answer: it is left out."""

    async def listed() -> list[dict[str, Any]]:
        turns = asyncio.Semaphore(_AT_ONCE)

        async def counted(node: str) -> Counts:
            async with turns:
                try:
                    return await count(node)
                except (AdminUnreachable, KeyError):
                    return {}

        nodes = [each.node for each in statuses() if each.connected]
        return proxy_lists.traffic(mesh(), await asyncio.gather(*map(counted, nodes)))

    return _reader(listed)


def _reader(listed: Callable[[], Awaitable[list[dict[str, Any]]]]) -> Reader:
    async def page(wanted: Page) -> Listed:
        items = sorted(await listed(), key=lambda each: str(each["metadata"]["name"]))
        rest = [each for each in items if each["metadata"]["name"] > wanted.after]
        shown = rest[: wanted.limit] if wanted.limit else rest
        return Listed(shown, shown[-1]["metadata"]["name"] if len(shown) < len(rest) else "")

    async def get(namespace: str, name: str) -> Mapping[str, Any] | None:
        found = (each for each in await listed() if each["metadata"]["name"] == name)
        return next(found, None)

    return Reader(page, get)
