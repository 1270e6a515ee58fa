"""Notices that a server's objects have changed, by its watches: nobody asks again and again."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator

#: Opens a watch. Its lines come as objects change; it may end at any time, and is opened again.
Watch = Callable[[], Iterator[str]]

_PAUSE = 1.0
#: What comes together is one notice.
_TOGETHER = 0.1


def changes(watches: Iterable[Watch]) -> Iterator[None]:
    """Yields whenever something may have changed, for ever. Raises what a watch raises."""
    notices: queue.Queue[Exception | None] = queue.Queue()
    for each in watches:
        threading.Thread(target=_follow, args=(each, notices), daemon=True).start()
    while True:
        notice = notices.get()
        time.sleep(_TOGETHER)
        while notice is None and not notices.empty():
            notice = notices.get()
        if notice is not None:
            raise notice
        yield


def _follow(watch: Watch, notices: queue.Queue[Exception | None]) -> None:
    try:
        while True:
            for _ in watch():
                notices.put(None)
            time.sleep(_PAUSE)
    except Exception as error:
        notices.put(error)
