"""Whose fault a NACK is: reads Envoy's error text for the resources it names.

A proxy refuses a response, not a resource. For clusters and listeners Envoy applies the good ones
and names each bad one; for everything else (endpoints, routes, a message that breaks a protobuf
constraint) the text names nothing that can be relied upon, and which of the others were applied
is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# source/common/upstream/cds_api_impl.cc, source/common/listener_manager/lds_api.cc
_NAMING = re.compile(r"Error adding/updating (?:cluster|listener)\(s\) ")
# source/common/config/utility.cc, truncateGrpcStatusMessage
_TRUNCATED = "...(truncated)"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A resource version that a proxy refused, in the proxy's own words."""

    type_url: str
    name: str
    version: str
    error: str


@dataclass(frozen=True, slots=True)
class Blame:
    """``named`` were refused, each with the part of the text that is its own; ``unknown`` may have
    been applied or not. ``applied``: the rest was, removals included."""

    named: dict[str, str]
    unknown: tuple[str, ...]
    applied: bool


def attribute(names: Iterable[str], error: str) -> Blame:
    """Whom of ``names``, the resources of one response, the error is about."""
    names = tuple(names)
    prefix = _NAMING.match(error)
    named = _named(names, error[prefix.end() :]) if prefix else {}
    if named:
        cut_off = error.endswith(_TRUNCATED)
        unknown = tuple(name for name in names if name not in named) if cut_off else ()
        return Blame(named, unknown, applied=True)
    if len(names) == 1:
        return Blame({names[0]: error}, (), applied=False)
    return Blame({}, names, applied=False)


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
