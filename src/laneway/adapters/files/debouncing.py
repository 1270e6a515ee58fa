"""Decides when changing files have settled and can be read. Pure; ``watching`` acts on it.

A file that is being saved may be empty, cut off anywhere, or gone for a moment, and half a file is
often valid YAML that declares less. So nothing is taken while a process has a file open for writing
or before the files have been quiet for a while, and for longer where something looks unfinished.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from laneway.model.findings import ObjectKey

#: Seconds without any change after which what looks finished is taken.
QUIET = 0.3
#: Seconds for what may be unfinished: shorter than before, invalid, or changed in several steps.
LONG_QUIET = 2.0
#: Seconds after which it is said that a file is still open for writing.
PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Content:
    """What the decision needs of a file that was read: ``ended`` is false without a last newline.

    ``documents`` counts all that are not empty; ``objects`` are those of the kinds laneway reads.
    """

    size: int
    ended: bool
    documents: int
    objects: frozenset[ObjectKey]


#: By the files' names.
Contents = Mapping[str, Content]


def required_quiet(
    taken: Contents, found: Contents | None, *, in_steps: bool, writers_known: bool
) -> float:
    """The seconds of quiet after which ``found`` (None: invalid) may replace ``taken``.

    ``in_steps``: the files changed again while an earlier change was waited for. ``writers_known``:
    the system says that nobody is writing; otherwise only time can tell.
    """
    if found is None or in_steps or not writers_known:
        return LONG_QUIET
    return LONG_QUIET if _may_be_unfinished(taken, found) else QUIET


def emptied(taken: Contents, found: Contents) -> list[str]:
    """Files that still exist, and declare nothing any more of what they declared.

    Truncation is the first step of most ways to rewrite a file, and all that a full disk leaves of
    one. What is declared elsewhere now has just moved.
    """
    lost = _objects(taken) - _objects(found)
    return [
        name
        for name, before in taken.items()
        if name in found and not found[name].documents and before.objects & lost
    ]


def _may_be_unfinished(taken: Contents, found: Contents) -> bool:
    if _objects(taken) - _objects(found):
        return True
    if any(not after.ended and _was_ended(taken, name) for name, after in found.items()):
        return True
    return any(name not in found or found[name].size < taken[name].size for name in taken)


def _was_ended(taken: Contents, name: str) -> bool:
    return name not in taken or taken[name].ended


def _objects(contents: Contents) -> frozenset[ObjectKey]:
    return frozenset().union(*(content.objects for content in contents.values()))
