"""Simulates what the lane filter does with baggage (``filter/src/baggage.zig``).

Headers have lower-case names. The values of a repeated header are joined by commas.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from laneway.compile.ir import BaggageMember, Carrier
from laneway.compile.simulate.outcomes import Reason, Request, Why
from laneway.compile.simulate.phrases import Phrase, reason

Headers = Mapping[str, str]

_BAGGAGE = "baggage"
_LIMIT = 8192
_LANE_LIMIT = 63
_BLANKS = " \t"
_LANE = re.compile(r"(?:[A-Za-z0-9-]|%[0-9A-Fa-f]{2})+")


def enter(members: Iterable[BaggageMember], request: Request) -> tuple[Request, tuple[Reason, ...]]:
    """The request as a gateway routes it: without a route header, baggage names the lane."""
    reasons: list[Reason] = []
    for member in members:
        lines = request.header_lines
        if any(lines.get(member.route_header.lower(), ())):
            continue
        headers, read = send(member, {name: ",".join(values) for name, values in lines.items()})
        if read:
            name = member.route_header.lower()
            request = replace(request, headers={**lines, name: headers[name]})
            reasons += read
    return request, tuple(reasons)


def receive(carrier: Carrier | None, headers: Headers) -> Headers:
    """The headers that an application gets, with the lane of the route header in the baggage."""
    if not isinstance(carrier, BaggageMember):
        return headers
    lane = headers.get(carrier.route_header.lower(), "")
    if not lane or len(lane) > _LANE_LIMIT or "," in lane:
        return headers
    text = headers.get(_BAGGAGE, "")
    own = [member for member, _ in _of_key(text, carrier.key)]
    if [member.strip(_BLANKS) for member in own] == [f"{carrier.key}={lane}"]:
        return headers
    others = [m for m in text.split(",") if m not in own and m.strip(_BLANKS)]
    packed = ",".join([f"{carrier.key}={lane}", *others])
    return {**headers, _BAGGAGE: packed} if len(packed) <= _LIMIT else headers


def send(carrier: Carrier | None, headers: Headers) -> tuple[Headers, tuple[Reason, ...]]:
    """The headers with which a call leaves, and why. Baggage overrides the route header."""
    if not isinstance(carrier, BaggageMember):
        return headers, ()
    values = [value for _, value in _of_key(headers.get(_BAGGAGE, ""), carrier.key)]
    lane = _decoded(values[-1]) if values else None
    if lane is None:
        return headers, ()
    named = reason(Why.BAGGAGE, Phrase.BAGGAGE_NAMES_LANE, member=carrier.key, lane=lane)
    return {**headers, carrier.route_header.lower(): lane}, (named,)


def _of_key(text: str, key: str) -> Iterator[tuple[str, str]]:
    """The members with that key: their text, and their value."""
    for member in text.split(","):
        name, equals, value = member.partition(";")[0].partition("=")
        if equals and name.strip(_BLANKS) == key:
            yield member, value.strip(_BLANKS)


def _decoded(value: str) -> str | None:
    """The name of the lane, or ``None`` if the value cannot be one."""
    if not _LANE.fullmatch(value):
        return None
    lane = re.sub("%(..)", lambda code: chr(int(code[1], 16)), value)
    named = len(lane) <= _LANE_LIMIT and re.fullmatch("[A-Za-z0-9-]+", lane)
    return lane if named else None
