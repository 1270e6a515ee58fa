"""Order of declaration -> precedence by conditions.

Here the first rule that a request meets takes it; in Gateway API the one with the most specific
conditions does. Where a later rule would take what is an earlier one's, the earlier one also gets
the conditions of both at once, which are at least as specific as the later one's.

That is enough: say a request's first rule is F and Gateway API chose another one, W. Then W's
conditions outrank F's or tie with them, so F also has those of both; they outrank W's, or tie with
them and stand before. (If they are W's own, then W can take nothing and was left out.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from laneway.compile.gateway_api.matches import Match, Order, Unmet, compare, meet
from laneway.compile.gateway_api.resources import Backend
from laneway.compile.gateway_api.rule_actions import Actions
from laneway.model.matches import MatchKind

#: Matches of one domain from which on no more are added: an API server takes no object of any size.
MOST = 4096


@dataclass(frozen=True, slots=True)
class Entry:
    """One match and what it leads to; no backends: a refusal. ``source`` is the route it is of."""

    match: Match
    backends: tuple[Backend, ...]
    source: int
    actions: Actions | None = None

    def leads_where(self, other: Entry) -> bool:
        return (self.backends, self.actions) == (other.backends, other.actions)


@dataclass
class Arrangement:
    """For each entry, in order, the matches that stand for it: its own, and some narrower ones.

    ``unsure`` are pairs (earlier, later) of entries of which implementations may prefer either;
    ``ties`` those that only the order within one HTTPRoute decides.
    """

    entries: Sequence[Entry]
    matches: list[dict[Match, None]]
    unsure: dict[tuple[int, int], None] = field(default_factory=dict)
    ties: dict[tuple[int, int], None] = field(default_factory=dict)
    full: bool = False


def arrange(entries: Sequence[Entry]) -> Arrangement:
    """``entries`` in order of precedence, the first one first."""
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
    """Which entries may share requests with a match. Most do not: they name another lane."""

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
    """What earlier entries need, as ``match`` comes to stand at ``at``; None if it can take
    nothing, since one of them takes all of it."""
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
    """Whether ``one`` already takes from ``match`` all that ``narrowed`` is for."""
    return compare(one, match) is Order.FIRST and meet(one, narrowed) == narrowed


def _leave_out_refusals(found: Arrangement) -> None:
    """What no rule takes is refused anyway: one is needed only before rules that would take it."""
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
