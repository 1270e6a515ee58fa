"""``--watch``: a list, and then what changes in it, until the reader has had enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from laneway.faces.cli.terminals import output

Item = TypeVar("Item")
PERIOD = 1.0


def watch(
    look: Callable[[], Sequence[Item]],
    before: Iterable[Item],
    name: Callable[[Item], Hashable],
    state: Callable[[Item], Any],
    show: Callable[[Sequence[Item]], None],
    notices: Iterable[None] | None = None,
) -> None:
    """Shows what is new, or in another ``state`` than at the last look, and says what is gone.

    It looks again at each of ``notices``; without any, once a second.
    """
    known = {name(each): state(each) for each in before}
    for _ in _every_period() if notices is None else notices:
        found = look()
        now = {name(each): state(each) for each in found}
        if changed := [each for each in found if known.get(name(each)) != now[name(each)]]:
            show(changed)
        for gone in [each for each in known if each not in now]:
            output().print(f"{gone} deleted", soft_wrap=True)
        known = now


def _every_period() -> Iterator[None]:
    while True:
        time.sleep(PERIOD)
        yield
