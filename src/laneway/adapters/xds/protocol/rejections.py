"""Finds the resources that cause a NACK, by Envoy's error message.

A proxy rejects a response, not a resource. Envoy applies the valid clusters and listeners of a
response and names each invalid one. For all other errors (endpoints, routes, violated protobuf
constraints) the message contains no reliable name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# source/common/upstream/cds_api_impl.cc, source/common/listener_manager/lds_api.cc
_NAMING = re.compile(r"Error adding/updating (?:cluster|listener)\(s\) ")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A version of a resource that a proxy rejected, with the proxy's error message."""

    type_url: str
    name: str
    version: str
    error: str


def attribute(names: Iterable[str], error: str) -> dict[str, str]:
    """The resources that caused the error, each with its part of the message.

    ``names`` are the resources of one response. A single resource is always the cause. The result
    is empty if the message does not name the cause.
    """
    names = tuple(names)
    prefix = _NAMING.match(error)
    named = _named(names, error[prefix.end() :]) if prefix else {}
    return {names[0]: error} if not named and len(names) == 1 else named


def _named(names: tuple[str, ...], text: str) -> dict[str, str]:
    """Envoy writes ``a: why, b: why`` for clusters, and a line ``a: why`` for each listener."""
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
