"""``/metrics`` in Prometheus' text format, including the counts of API requests.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: All other methods are counted together, so clients cannot create new series.
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})

Labels = Mapping[str, str]


class Distribution(Protocol):
    """``cumulative`` has each upper bound with the number of values up to it; the last bound is
    infinite."""

    @property
    def sum(self) -> float: ...

    @property
    def count(self) -> int: ...

    def cumulative(self) -> Iterator[tuple[float, int]]: ...


@dataclass(frozen=True)
class Family:
    """``samples`` are values by labels, which are distributions in a family of ``histogram``."""

    name: str
    type: str
    help: str
    samples: Iterable[tuple[Labels, float | Distribution]]


class RequestCounts:
    """ASGI middleware that counts answers by method and code."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._counts: Counter[tuple[str, str]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "other"

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts[method, str(message["status"])] += 1
            await send(message)

        await self._app(scope, receive, counting)

    def family(self) -> Family:
        samples = [
            ({"method": method, "code": code}, float(count))
            for (method, code), count in sorted(self._counts.items())
        ]
        name = "laneway_api_requests_total"
        return Family(name, "counter", "Requests of the API, answered.", samples)


def metrics_route(collect: Callable[[], Awaitable[Iterable[Family]]]) -> Route:
    async def metrics(request: Request) -> Response:
        families = await collect()
        text = "".join(f"{line}\n" for family in families for line in _lines(family))
        return PlainTextResponse(text, media_type=_CONTENT_TYPE)

    return Route("/metrics", metrics)


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help}"
    yield f"# TYPE {family.name} {family.type}"
    for labels, value in family.samples:
        if isinstance(value, int | float):
            yield _sample(family.name, labels, value)
        else:
            yield from _distribution(family.name, labels, value)


def _distribution(name: str, labels: Labels, values: Distribution) -> Iterator[str]:
    for bound, count in values.cumulative():
        le = "+Inf" if bound == float("inf") else f"{bound:g}"
        yield _sample(f"{name}_bucket", {**labels, "le": le}, count)
    yield _sample(f"{name}_sum", labels, values.sum)
    yield _sample(f"{name}_count", labels, values.count)


def _sample(name: str, labels: Labels, value: float) -> str:
    listed = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    number = repr(value) if value != int(value) else str(int(value))
    return f"{name}{{{listed}}} {number}" if listed else f"{name} {number}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
