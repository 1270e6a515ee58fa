"""The condition of an ingress rule in a normal form: equivalent conditions are equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from laneway.model.lanes import IngressRule
from laneway.model.matches import StringMatch


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of one rule for one host. Header names are in lower case."""

    host: str
    uri: StringMatch | None
    methods: tuple[str, ...]
    headers: tuple[tuple[str, StringMatch], ...]
    query: tuple[tuple[str, StringMatch], ...]

    @staticmethod
    def of(rule: IngressRule, host: str) -> Condition:
        headers = {name.lower(): match for name, match in rule.headers.items()}
        return Condition(
            host,
            rule.uri,
            tuple(sorted(rule.methods)),
            tuple(sorted(headers.items(), key=lambda item: item[0])),
            tuple(sorted(rule.query.items(), key=lambda item: item[0])),
        )


def conditions_of(rule: IngressRule) -> Iterator[Condition]:
    """One for each host of the rule, in order."""
    return (Condition.of(rule, host) for host in rule.hosts)
