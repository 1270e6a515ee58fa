"""String matches, as Istio's ``StringMatch`` and ASM's ingress rules have them.

Used by ingress rules; the simulator evaluates them, the emitters translate them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from laneway.model.regexes import matches_whole


class MatchKind(enum.Enum):
    """The three kinds of match, in order of precedence at equal path: exact, prefix, regex."""

    EXACT = "exact"
    PREFIX = "prefix"
    REGEX = "regex"


@dataclass(frozen=True, slots=True)
class StringMatch:
    """One condition on a string; a regex must match the whole string (RE2, as in Envoy)."""

    kind: MatchKind
    value: str

    def matches(self, text: str) -> bool:
        match self.kind:
            case MatchKind.EXACT:
                return text == self.value
            case MatchKind.PREFIX:
                return text.startswith(self.value)
            case MatchKind.REGEX:
                return matches_whole(self.value, text)

    def __str__(self) -> str:
        return f"{self.kind.value} {self.value}"
