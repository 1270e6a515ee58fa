"""How the native lane filter's counters of calls are read (``filter/src/hop.zig``, ``Call``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields

from laneway.model.propagated_calls import PropagatedCalls

#: What ``readings`` reads, as a query to the admin interface.
QUERY = "/stats?filter=%5Edynamicmodulescustom%5C.laneway_calls%5C."

_COUNTER = re.compile(
    r"dynamicmodulescustom\.laneway_calls\.(?P<group>.+)\.(?P<name>\w+): (?P<value>\d+)"
)
_NAMES = frozenset(field.name for field in fields(PropagatedCalls))


def readings(text: str) -> Mapping[str, PropagatedCalls]:
    """By lane group, from what Envoy answers to ``QUERY``."""
    found: dict[str, dict[str, int]] = {}
    for line in text.splitlines():
        match = _COUNTER.fullmatch(line)
        if match is not None and match["name"] in _NAMES:
            found.setdefault(match["group"], {})[match["name"]] = int(match["value"])
    return {group: PropagatedCalls(**counts) for group, counts in found.items()}
