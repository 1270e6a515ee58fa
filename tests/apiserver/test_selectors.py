"""Label selectors: what is between their commas, and how long that takes to find."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest

from laneway.apiserver.failures import Failure
from laneway.apiserver.selectors import selector


def holds(labels: str, **given: str) -> bool:
    manifest: dict[str, Any] = {"metadata": {"labels": given}}
    return selector(labels, "")(manifest)


def test_commas_in_parentheses_belong_to_the_values() -> None:
    assert holds("a in (x, y),b notin (z,x),c=1", a="y", b="y", c="1")
    assert not holds("a in (x, y),b notin (z,x),c=1", a="y", b="x", c="1")


@pytest.mark.parametrize("labels", ["a in (x,y", "a in (x,y),", "a in x,y)", ",", "a in ((x),y)"])
def test_what_is_not_closed_or_empty_is_refused(labels: str) -> None:
    with pytest.raises(Failure, match="is no requirement"):
        selector(labels, "")


@pytest.mark.parametrize("labels", ["a=b,{}c", "a in ({}c)", "a in {}(", "a in (b){}"])
def test_a_long_one_takes_linear_time(labels: str) -> None:
    def seconds(number: int) -> float:
        text = labels.format("b," * number)
        began = time.thread_time()
        with suppress(Failure):
            selector(text, "")
        return time.thread_time() - began

    ratios = (seconds(16_000) / seconds(2_000) for _ in range(5))
    assert min(ratios) < 24
