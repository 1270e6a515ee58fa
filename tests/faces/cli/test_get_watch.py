"""``laneway get --watch`` prints what is new, what has changed, and what is gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from laneway.faces.cli import get
from laneway.faces.cli.get import Found, Query
from laneway.faces.cli.output_formats import Format
from laneway.faces.cli.resource_words import ObjectReference, references


def listed(**weights: int) -> Found:
    (lanes,) = references(["lanes"], "")
    return [
        (ObjectReference(lanes.resource, "", name), _lane(name, weight))
        for name, weight in weights.items()
    ]


def _lane(name: str, weight: int) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"group": "shop", "weight": weight}}


def test_each_notice_prints_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    states = iter([listed(s1=1), listed(s1=2), listed(s1=2, s2=1), listed(s2=1)])
    query = Query(["lanes"], "", form=Format.NAME)

    def notices() -> Iterator[None]:
        for _ in range(4):
            capsys.readouterr()
            yield
            printed.append(capsys.readouterr().out.split())

    printed: list[list[str]] = []
    get._watch(notices(), lambda: next(states), listed(s1=1), query)
    assert printed == [
        [],
        ["lane.laneway.dev/s1"],
        ["lane.laneway.dev/s2"],
        ["lane.laneway.dev/s1", "deleted"],
    ]
