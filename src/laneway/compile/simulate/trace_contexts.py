"""The simulator's gateway makes up trace contexts, as the lane filter does at real ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from laneway.compile.ir import TraceMemory
from laneway.compile.simulate.outcomes import Reason, Request, Why
from laneway.model.trace_contexts import example, trace_id

_NEW = 2**64 - 1
"""Of a trace id that nobody else has, as a simulation has one request."""


def enter(contexts: Iterable[TraceMemory], request: Request) -> tuple[Request, tuple[Reason, ...]]:
    """The request with one context of each format: its own, the first of several, or a new one."""
    reasons: list[Reason] = []
    for context in contexts:
        name = context.trace_header.lower()
        lines = request.header_lines
        text = ",".join(lines.get(name, ()))
        if trace_id(name, text) is not None:
            continue
        valid = [value.strip(" \t") for value in text.split(",") if trace_id(name, value)]
        value = valid[0] if valid else example(name, _NEW)
        request = replace(request, headers={**lines, name: value})
        if not valid:
            wrong = f"{name} is malformed" if text.strip(" ,") else f"the request has no {name}"
            reasons.append(Reason(Why.TRACE_SET, f"{wrong}; the gateway sets it"))
    return request, tuple(reasons)
