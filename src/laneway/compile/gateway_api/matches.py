"""The conditions of a rule as an HTTPRoute expresses them, and those of two rules together.

Here a path prefix consists of whole elements (``/a`` matches ``/a/b`` but not ``/ab``). Header
values and query parameters have no prefix match, so a regular expression replaces it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from laneway.model.matches import MatchKind, StringMatch
from laneway.model.regexes import matches_whole

#: The characters that Exact and PathPrefix accept (the CRD's validation rules).
_PATH = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+")
_REFUSED = re.compile(r"//|/\.\.?(?:/|$)|%2f", re.IGNORECASE)


class Unmet(enum.Enum):
    """Why no match can express two conditions together."""

    DISJOINT = "no request meets both"
    OPAQUE = "at least one is a regular expression"


class Order(enum.Enum):
    """The result of comparing the precedence of two matches."""

    FIRST = "the first"
    SECOND = "the second"
    TIE = "the older route's, or the one that stands first in a route"
    UNCERTAIN = "implementations differ"


@dataclass(frozen=True, slots=True)
class Path:
    """``Exact``, ``PathPrefix`` or ``RegularExpression``, which is for the whole path."""

    type: str
    value: str

    def matches(self, path: str) -> bool:
        if self.type == "PathPrefix":
            return self.value == "/" or path == self.value or path.startswith(f"{self.value}/")
        return path == self.value if self.type == "Exact" else matches_whole(self.value, path)


EVERY_PATH = Path("PathPrefix", "/")


@dataclass(frozen=True, slots=True)
class Match:
    """All conditions must hold. Headers have lower-case names. Pairs are sorted by name."""

    path: Path = EVERY_PATH
    method: str | None = None
    headers: tuple[tuple[str, StringMatch], ...] = ()
    query: tuple[tuple[str, StringMatch], ...] = ()

    def document(self) -> dict[str, Any]:
        regex = self.path.type == "RegularExpression"
        value = _anchored(self.path.value) if regex else self.path.value
        found: dict[str, Any] = {"path": {"type": self.path.type, "value": value}}
        if self.headers:
            found["headers"] = [_named(*pair) for pair in self.headers]
        if self.query:
            found["queryParams"] = [_named(*pair) for pair in self.query]
        if self.method is not None:
            found["method"] = self.method
        return found

    def with_header(self, name: str, value: str) -> Match | None:
        """The match restricted to requests with the header. None if they cannot meet the rest."""
        other = Match(headers=((name.lower(), StringMatch(MatchKind.EXACT, value)),))
        both = meet(self, other)
        return None if isinstance(both, Unmet) else both


def path_of(uri: StringMatch | None) -> Path:
    """The closest match: one with Core support if possible, otherwise a regular expression."""
    if uri is None or uri == StringMatch(MatchKind.PREFIX, ""):
        return EVERY_PATH
    if uri.kind is MatchKind.REGEX or not _sayable(uri.value):
        return Path("RegularExpression", regex_of(uri))
    if uri.kind is MatchKind.EXACT:
        return Path("Exact", uri.value)
    # A slash at the end is ignored; without it, equal prefixes are equal values.
    return Path("PathPrefix", uri.value.rstrip("/") or "/")


def _sayable(value: str) -> bool:
    plain = _PATH.fullmatch(value) and not _REFUSED.search(value)
    return bool(plain) and value.startswith("/")


def regex_of(match: StringMatch) -> str:
    """A regular expression that matches the whole value."""
    match match.kind:
        case MatchKind.EXACT:
            return re.escape(match.value)
        case MatchKind.PREFIX:
            return f"{re.escape(match.value)}.*"
        case MatchKind.REGEX:
            return match.value


def _anchored(regex: str) -> str:
    """Only some implementations match the whole value by themselves."""
    return f"^({regex})$" if "|" in regex else f"^{regex}$"


def is_exact(match: StringMatch) -> bool:
    """Whether Exact can express it: its value must not be empty."""
    return match.kind is MatchKind.EXACT and match.value != ""


def _named(name: str, match: StringMatch) -> dict[str, Any]:
    if is_exact(match):
        return {"type": "Exact", "name": name, "value": match.value}
    return {"type": "RegularExpression", "name": name, "value": _anchored(regex_of(match))}


def compare(first: Match, second: Match) -> Order:
    """Compares by the specification's order of precedence, for requests that meet both."""
    if first.path != second.path:
        return _compare_paths(first.path, second.path)
    one, other = _further(first), _further(second)
    return Order.TIE if one == other else Order.FIRST if one > other else Order.SECOND


def _further(match: Match) -> tuple[bool, int, int]:
    return match.method is not None, len(match.headers), len(match.query)


def _compare_paths(first: Path, second: Path) -> Order:
    """Different paths that can both match."""
    if first.type == "Exact":
        return Order.FIRST
    if second.type == "Exact":
        return Order.SECOND
    if first.type == second.type == "PathPrefix":
        return Order.FIRST if len(first.value) > len(second.value) else Order.SECOND
    return Order.UNCERTAIN


def meet(first: Match, second: Match) -> Match | Unmet:
    """The conditions of both as one match, or why there is none."""
    if first.method and second.method and first.method != second.method:
        return Unmet.DISJOINT
    parts = (
        _meet_paths(first.path, second.path),
        _meet_pairs(first.headers, second.headers),
        _meet_pairs(first.query, second.query),
    )
    path, headers, query = parts
    if Unmet.DISJOINT in parts:
        return Unmet.DISJOINT
    if isinstance(path, Unmet) or isinstance(headers, Unmet) or isinstance(query, Unmet):
        return Unmet.OPAQUE
    return Match(path, first.method or second.method, headers, query)


def _meet_paths(first: Path, second: Path) -> Path | Unmet:
    if first == second or second == EVERY_PATH:
        return first
    if first == EVERY_PATH:
        return second
    for one, other in ((first, second), (second, first)):
        if one.type == "Exact":
            return one if other.matches(one.value) else Unmet.DISJOINT
    if first.type == second.type == "PathPrefix":
        longer, shorter = sorted((first, second), key=lambda path: -len(path.value))
        return longer if shorter.matches(longer.value) else Unmet.DISJOINT
    return Unmet.OPAQUE


Pairs = tuple[tuple[str, StringMatch], ...]


def _meet_pairs(first: Pairs, second: Pairs) -> Pairs | Unmet:
    if first == second or not second:
        return first
    found: dict[str, StringMatch] = dict(first)
    opaque = False
    for name, match in second:
        both = _meet_strings(found.get(name, match), match)
        if both is Unmet.DISJOINT:
            return Unmet.DISJOINT
        if isinstance(both, StringMatch):
            found[name] = both
        else:
            opaque = True
    return Unmet.OPAQUE if opaque else tuple(sorted(found.items(), key=lambda pair: pair[0]))


def _meet_strings(first: StringMatch, second: StringMatch) -> StringMatch | Unmet:
    if first == second:
        return first
    for one, other in ((first, second), (second, first)):
        if one.kind is MatchKind.EXACT:
            return one if other.matches(one.value) else Unmet.DISJOINT
    if first.kind is second.kind is MatchKind.PREFIX:
        longer, shorter = sorted((first, second), key=lambda match: -len(match.value))
        return longer if shorter.matches(longer.value) else Unmet.DISJOINT
    return Unmet.OPAQUE


def pairs(matches: Mapping[str, StringMatch]) -> Pairs:
    return tuple(sorted(matches.items(), key=lambda pair: pair[0]))
