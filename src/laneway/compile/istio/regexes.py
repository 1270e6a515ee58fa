"""Which regular expressions Istio's validation accepts: fewer than the proxies themselves.

Istio refuses a VirtualService with any other as a whole, with all the rules of its domain.
"""

from __future__ import annotations

import re

from laneway.compile.ir import EntryRule, IngressRoute
from laneway.model.matches import MatchKind
from laneway.model.regexes import one_of

#: Bytes (Istio's ``validateStringRegexp``).
LONGEST = 1024

#: Go's package ``regexp``, which Istio compiles them with, has all of RE2's syntax but this.
_ANY_BYTE = re.compile(r"(?<!\\)(?:\\\\)*\\C")


def refused(ingress: IngressRoute | EntryRule) -> str:
    """A regex of the condition that Istio refuses; empty if there is none."""
    matches = [ingress.uri, *ingress.headers.values(), *ingress.query.values()]
    regexes = [match.value for match in matches if match and match.kind is MatchKind.REGEX]
    if len(ingress.methods) > 1:
        regexes.append(one_of(ingress.methods))
    return next((regex for regex in regexes if not _is_accepted(regex)), "")


def _is_accepted(regex: str) -> bool:
    return len(regex.encode()) <= LONGEST and not _ANY_BYTE.search(regex)
