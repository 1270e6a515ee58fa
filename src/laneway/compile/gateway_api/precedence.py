"""Order of declaration -> precedence by conditions.

Here the first rule that a request meets takes it; in Gateway API the one with the most specific
conditions does. Where a later rule would take what is an earlier one's, the earlier one also gets
the conditions of both at once, which are at least as specific as the later one's.

That is enough: say a request's first rule is F and Gateway API chose another one, W. Then W's
conditions outrank F's or tie with them, so F also has those of both; they outrank W's, or tie with
them and stand before. (If they are W's own, then W can take nothing and was left out.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from laneway.compile.gateway_api.matches import Match, Order, Unmet, compare, meet
from laneway.compile.gateway_api.resources import Backend

#: Matches of one domain from which on no more are added: an API server takes no object of any size.
MOST = 4096


@dataclass(frozen=True, slots=True)
class Entry:
    """One match and what it leads to; no backends: a refusal. ``source`` is the route it is of."""

    match: Match
    backends: tuple[Backend, ...]
    source: int


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
    for index, entry in enumerate(entries):
        pending = [(index, entry.match)]
        while pending and not found.full:
            at, match = pending.pop()
            if match not in found.matches[at]:
                more = _overruling(found, at, match)
                if more is not None:
                    found.matches[at][match] = None
                    pending += more
            found.full = sum(map(len, found.matches)) + len(pending) > MOST
    _leave_out_refusals(found)
    return found


def _overruling(found: Arrangement, at: int, match: Match) -> list[tuple[int, Match]] | None:
    """What earlier entries need, as ``match`` comes to stand at ``at``; None if it can take
    nothing, since one of them takes all of it."""
    more: list[tuple[int, Match]] = []
    unsure: list[int] = []
    ties: list[int] = []
    for earlier in range(at):
        entry, standing = found.entries[earlier], found.matches[earlier]
        if not standing or entry.backends == found.entries[at].backends:
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
