"""Which resources cause a NACK, according to Envoy's error text.

A proxy refuses a response, not a resource. For clusters and listeners Envoy applies the good ones
and names each bad one; for everything else (endpoints, routes, a message that breaks a protobuf
constraint) the text names nothing that can be relied upon.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# source/common/upstream/cds_api_impl.cc, source/common/listener_manager/lds_api.cc
_NAMING = re.compile(r"Error adding/updating (?:cluster|listener)\(s\) ")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A resource version that a proxy refused, in the proxy's own words."""

    type_url: str
    name: str
    version: str
    error: str


def attribute(names: Iterable[str], error: str) -> dict[str, str]:
    """Those of ``names``, the resources of one response, that caused the error, each with its part
    of the text. A single resource is always the cause. Empty if the text does not say."""
    names = tuple(names)
    prefix = _NAMING.match(error)
    named = _named(names, error[prefix.end() :]) if prefix else {}
    return {names[0]: error} if not named and len(names) == 1 else named


def _named(names: tuple[str, ...], text: str) -> dict[str, str]:
    """Envoy writes ``a: why, b: why`` for clusters and one ``a: why`` a line for listeners."""
    starts = {}
    for name in names:
        found = re.search(rf"(?:^|, |\n){re.escape(name)}: ", text)
        if found:
            starts[name] = found.start()
    ordered = sorted(starts, key=starts.__getitem__)
    ends = [starts[name] for name in ordered[1:]] + [len(text)]
    return {
        name: text[starts[name] : end].strip(", \n")
        for name, end in zip(ordered, ends, strict=True)
    }
