"""Lists that are read from the running mesh: its proxies, and the requests that they counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from laneway.apiserver import proxy_lists, traffic
from laneway.apiserver.traffic import Figures
from laneway.apiserver.virtual_resources import Listed, Page, Reader
from laneway.control.proxies import ProxyStatus
from laneway.model.meshes import Mesh

Statuses = Callable[[], Sequence[ProxyStatus]]
ReadFigures = Callable[[], Awaitable[Figures]]


def proxy_reader(statuses: Statuses) -> Reader:
    async def listed() -> list[dict[str, Any]]:
        return [proxy_lists.proxy(each) for each in statuses()]

    return _reader(listed)


def traffic_reader(mesh: Callable[[], Mesh], figures: ReadFigures) -> Reader:
    async def listed() -> list[dict[str, Any]]:
        return traffic.traffic(mesh(), await figures())

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
