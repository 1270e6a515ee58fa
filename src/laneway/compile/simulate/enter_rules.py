"""Simulates a gateway before routing: which lane a request names, or enters by a rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from laneway.compile.ir import EntryRule, LaneNaming, VirtualHost
from laneway.compile.simulate.gateways import covering_host, meets, parameters
from laneway.compile.simulate.inactive_lanes import InactiveLanes
from laneway.compile.simulate.lane_choices import drawn, in_words, names_nothing
from laneway.compile.simulate.outcomes import Reason, Request, Why
from laneway.compile.simulate.phrases import Phrase, reason

_BLANKS = " \t"
_NONE = InactiveLanes()


@dataclass(frozen=True, slots=True)
class Entered:
    """``request`` as it is routed. ``decided``: a rule chose the lane, so weights do not apply."""

    request: Request
    reasons: tuple[Reason, ...] = ()
    decided: bool = False


def read_names(
    namings: Iterable[LaneNaming],
    request: Request,
    query: str,
    inactive: InactiveLanes = _NONE,
) -> Entered:
    """The request, with the lane that it names (perhaps by an alias) in the route header."""
    reasons: list[Reason] = []
    for naming in namings:
        lines = request.header_lines
        found = list(_values(naming, lines, query))
        named = next(((s, v, naming.lanes[v]) for s, v in found if v in naming.lanes), None)
        headers = {name: value for name, value in lines.items() if name != naming.header}
        if named is None:
            reasons += [
                names_nothing(s, v, inactive.naming(naming.header, v)) for s, v in found[:1]
            ]
        else:
            source, value, lane = named
            headers[naming.header] = (lane,)
            if (source, value) != (naming.header, lane):
                said = Phrase.SOURCE_NAMES_LANE
                reasons.append(reason(Why.NAME_READ, said, source=source, value=value, lane=lane))
        request = replace(request, headers=headers)
    return Entered(request, tuple(reasons))


def _values(
    naming: LaneNaming, lines: Mapping[str, tuple[str, ...]], query: str
) -> Iterator[tuple[str, str]]:
    """The values that may name a lane, each with a description of its source, in order."""
    for header in (naming.header, *naming.others):
        if header in lines:
            yield header, ",".join(lines[header])
    for cookie in naming.cookies:
        values = (v for line in lines.get("cookie", ()) for v in _cookies(line, cookie))
        yield from ((f"cookie {cookie}", value) for value, _ in zip(values, [0], strict=False))
    for name in naming.query:
        if name in (there := parameters(query)):
            yield f"query {name}", there[name][0]


def _cookies(line: str, name: str) -> Iterator[str]:
    for pair in line.split(";"):
        key, equals, value = pair.partition("=")
        if equals and key.strip(_BLANKS) == name:
            text = value.strip(_BLANKS)
            yield text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def enter(
    hosts: Iterable[VirtualHost], request: Request, path: str, query: str, draw: int
) -> Entered:
    """The request in the lane of the first ``enter`` rule that it meets, if there is one."""
    host = covering_host(hosts, request.host)
    entry = next(
        (e for e in (host.entries if host else ()) if _takes(e, request, path, query)), None
    )
    if entry is None:
        return Entered(request)
    lane = drawn(entry.split, draw).lane
    reasons = [_told(entry, lane)]
    if len(entry.split.shares) > 1:
        weights = in_words(entry.split)
        reasons.append(reason(Why.WEIGHT, Phrase.RULE_CHOOSES_BY_WEIGHT, weights=weights))
    if lane:
        lines = {**request.header_lines, entry.split.header.lower(): (lane,)}
        request = replace(request, headers=lines)
    return Entered(request, tuple(reasons), decided=True)


def _takes(entry: EntryRule, request: Request, path: str, query: str) -> bool:
    return entry.split.header.lower() not in request.header_lines and meets(
        entry, request, path, query
    )


def _told(entry: EntryRule, lane: str) -> Reason:
    own, rule = next((pair for pair in entry.rules if pair[0].name == lane), entry.rules[0])
    if not lane:
        return reason(Why.ENTERED, Phrase.NOT_CHOSEN_TO_ENTER, rule=rule.name, own=own.name)
    return reason(Why.ENTERED, Phrase.ENTERS_BY_RULE, rule=rule.name, own=own.name, lane=lane)
