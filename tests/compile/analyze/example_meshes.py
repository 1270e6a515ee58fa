"""Meshes of a group or two, for the findings of the analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.compile.meshes import exact, group, lane, mesh, rule, service

from laneway.model.lanes import IngressRule, Lane
from laneway.model.meshes import Mesh

ABC = [service("a"), service("b"), service("c")]
CHAIN = {"a": "b", "b": "c"}
ENTRY = rule("a", uri=exact("/mock"))


def chain(*lanes: Lane, calls: Mapping[str, str] = CHAIN, **fields: Any) -> Mesh:
    """A group of a, b and c, which call one another in a row; its baseline is s1."""
    return mesh([group("a b c", **fields)], [lane("s1", "a b c", ENTRY), *lanes], ABC, calls)


def rules(*some: IngressRule) -> Mesh:
    numbered = [replace(one, name=f"r{number}") for number, one in enumerate(some)]
    return mesh([group("a")], [lane("s1", "a", *numbered)], ABC[:1])
