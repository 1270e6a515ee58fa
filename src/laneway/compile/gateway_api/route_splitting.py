"""Splits rules into several HTTPRoutes, because each has a limit of rules and of matches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from laneway.compile.gateway_api.resources import Rule

#: The CRD's limits (the last is a validation rule; another one lets a rule that replaces the
#: prefix of a path have a single match).
RULES = 16
MATCHES_OF_RULE = 64
MATCHES = 128


def packed(rules: Iterable[Rule]) -> list[list[Rule]]:
    """Keeps the order. A rule with too many matches becomes several, perhaps in several routes."""
    routes: list[list[Rule]] = []
    room = 0
    for rule in rules:
        for part in _parts(rule):
            if not routes or len(routes[-1]) == RULES or len(part.matches) > room:
                routes.append([])
                room = MATCHES
            routes[-1].append(part)
            room -= len(part.matches)
    return routes


def _parts(rule: Rule) -> Iterator[Rule]:
    size = 1 if rule.replaces_prefix else MATCHES_OF_RULE
    for start in range(0, len(rule.matches), size):
        yield replace(rule, matches=rule.matches[start : start + size])
