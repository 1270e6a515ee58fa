"""``laneway diff --revision A[..B]``: what changed between two revisions, or since one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import typer

from laneway.apiserver.resources import served
from laneway.faces.cli.failures import Failed, report
from laneway.faces.cli.object_differences import print_difference
from laneway.faces.cli.past_objects import differences, objects_at
from laneway.faces.cli.server_requests import Server

_RANGE = re.compile(r"(?P<first>\d{1,18})(\.\.(?P<last>\d{1,18})?)?")
_DIFFERENT, _TROUBLE = 1, 2


@dataclass(frozen=True, slots=True)
class RevisionRange:
    """``last`` None is now."""

    first: int
    last: int | None

    @classmethod
    def of(cls, text: str) -> RevisionRange:
        """Raises ``typer.BadParameter``."""
        match = _RANGE.fullmatch(text)
        if match is None:
            raise typer.BadParameter(
                f"--revision: `{text}` is neither a revision, such as 17, nor two, such as 17..21"
            )
        return cls(int(match["first"]), int(match["last"]) if match["last"] else None)


def diff(find_server: Callable[[], Server], wanted: RevisionRange) -> int:
    """As a unified diff. 0 without differences, 1 with some, 2 where it cannot be told."""
    resources = served()
    try:
        server = find_server()
        before = objects_at(server, resources, wanted.first)
        after = objects_at(server, resources, wanted.last)
    except Failed as error:
        report(error)
        return _TROUBLE
    last = "now" if wanted.last is None else f"revision {wanted.last}"
    lines = list(differences(before, after, f"revision {wanted.first}", last))
    print_difference(lines)
    return _DIFFERENT if lines else 0
