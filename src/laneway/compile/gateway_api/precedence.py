"""Translates the order of rules into precedence by conditions.

In laneway, the first rule that a request meets takes it. In Gateway API, the rule with the most
specific conditions does. If a later rule would take requests of an earlier one, the earlier one
also gets a match with the conditions of both, which is at least as specific as the later rule's.

This is sufficient. Suppose that a request's first rule is F, and Gateway API chose another rule W.
Then W's conditions outrank F's or tie with them, so F also has a match with the conditions of both.
That match outranks W's, or ties with it and comes first. (If it equals W's own conditions, W can
take nothing and was left out.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from laneway.compile.gateway_api.matches import Match, Order, Unmet, compare, meet
from laneway.compile.gateway_api.resources import Backend
from laneway.compile.gateway_api.rule_actions import Actions
from laneway.model.matches import MatchKind

#: The number of matches in a domain from which on none are added, since objects have a size limit.
MOST = 4096


@dataclass(frozen=True, slots=True)
class Entry:
    """A match and its backends; without backends, a refusal. ``source`` is its route's index."""

    match: Match
    backends: tuple[Backend, ...]
    source: int
    actions: Actions | None = None

    def leads_where(self, other: Entry) -> bool:
        return (self.backends, self.actions) == (other.backends, other.actions)


@dataclass
class Arrangement:
    """For each entry, in order, its matches: its own one, and some narrower ones.

    ``unsure`` are pairs (earlier, later) of entries of which implementations may prefer either one.
    ``ties`` are pairs for which only the order within one HTTPRoute decides.
    """

    entries: Sequence[Entry]
    matches: list[dict[Match, None]]
    unsure: dict[tuple[int, int], None] = field(default_factory=dict)
    ties: dict[tuple[int, int], None] = field(default_factory=dict)
    full: bool = False


def arrange(entries: Sequence[Entry]) -> Arrangement:
    """``entries`` are in order of precedence."""
    found = Arrangement(entries, [{} for _ in entries])
    rivals = _Rivals(entries)
    number = 0
    for index, entry in enumerate(entries):
        pending = [(index, entry.match)]
        while pending:
            at, match = pending.pop()
            if match in found.matches[at]:
                continue
            more = _overruling(found, at, match, rivals.before(at, match))
            if more is None:
                continue
            found.matches[at][match] = None
            number += 1
            if number + len(pending) + len(more) > MOST and more:
                found.full = True
            else:
                pending += more
    _leave_out_refusals(found)
    return found


class _Rivals:
    """Finds entries that may share requests with a match; most do not, by naming another lane."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        names = Counter(name for entry in entries for name in _exact(entry.match))
        self._by_header: dict[str, dict[str, list[int]]] = {}
        for index, entry in enumerate(entries):
            exact = _exact(entry.match)
            name = max(exact, key=lambda name: (names[name], name), default="")
            values = self._by_header.setdefault(name, {})
            values.setdefault(exact.get(name, ""), []).append(index)

    def before(self, at: int, match: Match) -> list[int]:
        exact = _exact(match)
        lists = [
            found
            for name, values in self._by_header.items()
            for found in ([values.get(exact[name], [])] if name in exact else values.values())
        ]
        return sorted(index for found in lists for index in found if index < at)


def _exact(match: Match) -> dict[str, str]:
    return {name: one.value for name, one in match.headers if one.kind is MatchKind.EXACT}


def _overruling(
    found: Arrangement, at: int, match: Match, rivals: Iterable[int]
) -> list[tuple[int, Match]] | None:
    """The matches that earlier entries need because of ``match`` at position ``at``. None if an
    earlier entry takes all of its requests."""
    more: list[tuple[int, Match]] = []
    unsure: list[int] = []
    ties: list[int] = []
    for earlier in rivals:
        entry, standing = found.entries[earlier], found.matches[earlier]
        if not standing or entry.leads_where(found.entries[at]):
            continue
        both = meet(entry.match, match)
        if both is Unmet.DISJOINT:
            continue
        if both == match:
            return None
        narrowed = both if isinstance(both, Match) else entry.match
        if any(_overrules(one, narrowed, match) for one in standing):
            continue
        order = compare(narrowed, match)
        if order in (Order.FIRST, Order.TIE) and narrowed not in standing:
            more.append((earlier, narrowed))
        if order is Order.TIE:
            ties.append(earlier)
        elif order is not Order.FIRST:
            unsure.append(earlier)
    found.unsure |= dict.fromkeys((earlier, at) for earlier in unsure)
    found.ties |= dict.fromkeys((earlier, at) for earlier in ties)
    return more


def _overrules(one: Match, narrowed: Match, match: Match) -> bool:
    """Whether ``one`` already takes all requests of ``narrowed`` from ``match``."""
    return compare(one, match) is Order.FIRST and meet(one, narrowed) == narrowed


def _leave_out_refusals(found: Arrangement) -> None:
    """Requests without a rule are refused anyway: refusals are needed only before other rules."""
    for at, entry in enumerate(found.entries):
        if entry.backends:
            continue
        later = [
            match
            for other in range(at + 1, len(found.entries))
            if found.entries[other].backends
            for match in found.matches[other]
        ]
        if not _met(found.matches[at], later):
            found.matches[at].clear()


def _met(some: Iterable[Match], others: Iterable[Match]) -> bool:
    others = list(others)
    return any(meet(one, other) is not Unmet.DISJOINT for one in some for other in others)
