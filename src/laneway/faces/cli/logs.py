"""``laneway logs``: what workloads and proxies write, and the access logs of proxies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from laneway.faces.cli.process_requests import log_lines
from laneway.faces.cli.server_requests import Server

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which logs: of these workloads and proxies, all workloads if none is named.

    ``lane`` leaves only those of the lane; ``tail`` None is all that there is.
    """

    names: Sequence[str] = ()
    lane: str = ""
    access: bool = False
    tail: int | None = None


def run(server: Server, selection: Selection, *, follow: bool, prefix: bool, colour: bool) -> int:
    """Lines as they are; of several logs, each with its log's name unless ``prefix`` is false."""
    prefixed = prefix and len(selection.names) != 1
    colours: dict[str, int] = {}
    for text in log_lines(
        server,
        selection.names,
        lane=selection.lane or None,
        access=selection.access,
        follow=follow,
        tailLines=selection.tail,
    ):
        entry = json.loads(text)
        if prefixed:
            name = f"{entry['name']} |"
            number = colours.setdefault(entry["name"], _COLOURS[len(colours) % len(_COLOURS)])
            print(f"\x1b[{number}m{name}\x1b[0m" if colour else name, end=" ")
        print(entry["line"], flush=follow)
    return 0
