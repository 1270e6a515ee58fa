"""Simulates how the lane filter generates trace contexts at a gateway."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from laneway.compile.ir import TraceMemory
from laneway.compile.simulate.outcomes import Reason, Request, Why
from laneway.compile.simulate.phrases import Phrase, reason
from laneway.model.trace_contexts import example, trace_id

_NEW = 2**64 - 1
"""Stands for a new trace id. A simulation has one request only."""


def enter(contexts: Iterable[TraceMemory], request: Request) -> tuple[Request, tuple[Reason, ...]]:
    """The request with one context of each format: the first that it has, or a new one."""
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
            malformed = bool(text.strip(" ,"))
            said = Phrase.HEADER_IS_MALFORMED if malformed else Phrase.GATEWAY_SETS_HEADER
            reasons.append(reason(Why.TRACE_SET, said, header=name))
    return request, tuple(reasons)
