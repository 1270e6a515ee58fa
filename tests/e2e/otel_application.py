"""A service as OpenTelemetry's users write it: instrumented, and no line that copies a header.

It answers with its version and what it received, then the same of its upstream. ``says`` in the
query is a route header that it adds to its call, as an application should not.
"""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import parse_qsl

import httpx
import uvicorn
from opentelemetry import baggage, trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider

VERSION = os.environ["VERSION"]
UPSTREAM = os.environ.get("UPSTREAM")

trace.set_tracer_provider(TracerProvider())
HTTPXClientInstrumentor().instrument()
CLIENT = httpx.AsyncClient()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    received = [(name.decode(), value.decode()) for name, value in scope["headers"]]
    hop = {"version": VERSION, "received": received, "baggage": dict(baggage.get_all())}
    hops = [hop]
    if UPSTREAM:
        headers = dict(parse_qsl(scope["query_string"].decode()))
        hops += (await CLIENT.get(UPSTREAM, headers=headers)).json()
    body = json.dumps(hops).encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    app = OpenTelemetryMiddleware(application)
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
