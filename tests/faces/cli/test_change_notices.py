from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from laneway.faces.cli.change_notices import changes


def test_lines_of_any_watch_are_notices_and_what_comes_together_is_one() -> None:
    last = threading.Event()

    def one() -> Iterator[str]:
        yield from ("a", "b", "c")
        last.wait(30)
        yield "d"
        threading.Event().wait(30)

    def silent() -> Iterator[str]:
        threading.Event().wait(30)
        yield ""

    notices = changes([one, silent])
    next(notices)
    last.set()
    next(notices)


def test_what_a_watch_raises_is_raised() -> None:
    def broken() -> Iterator[str]:
        yield from ()
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        next(changes([broken]))
