"""``/metrics``: figures in Prometheus' text format, and the requests of the API among them.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from laneway.control.histograms import Histogram

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: Others are counted together, so that clients cannot make new series.
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Family:
    """``samples`` are values by labels, or one histogram."""

    name: str
    type: str
    help: str
    samples: Iterable[tuple[Labels, float]] | Histogram


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


def metrics_route(collect: Callable[[], Iterable[Family]]) -> Route:
    async def metrics(request: Request) -> Response:
        text = "".join(f"{line}\n" for family in collect() for line in _lines(family))
        return PlainTextResponse(text, media_type=_CONTENT_TYPE)

    return Route("/metrics", metrics)


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help}"
    yield f"# TYPE {family.name} {family.type}"
    if isinstance(family.samples, Histogram):
        for bound, count in family.samples.cumulative():
            le = "+Inf" if bound == float("inf") else f"{bound:g}"
            yield _sample(f"{family.name}_bucket", {"le": le}, count)
        yield _sample(f"{family.name}_sum", {}, family.samples.sum)
        yield _sample(f"{family.name}_count", {}, family.samples.count)
        return
    for labels, value in family.samples:
        yield _sample(family.name, labels, value)


def _sample(name: str, labels: Labels, value: float) -> str:
    listed = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    number = repr(value) if value != int(value) else str(int(value))
    return f"{name}{{{listed}}} {number}" if listed else f"{name} {number}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
