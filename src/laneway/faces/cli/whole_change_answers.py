"""What a change set, a rollback or a promotion did, or would do, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from laneway.control.revisions import ObjectId
from laneway.faces.cli.resource_words import reference_of

_DRY_RUN = " (dry run)"


def print_objects(console: Console, status: Mapping[str, Any], *, dry_run: bool) -> Counter[str]:
    """A line for each object, and how many of each operation there are."""
    mark = _DRY_RUN if dry_run else ""
    counts: Counter[str] = Counter()
    for entry in status["objects"]:
        counts[entry["operation"]] += 1
        key = ObjectId(entry["resource"], entry.get("namespace", ""), entry["name"])
        console.print(f"{reference_of(key)} {entry['operation']}{mark}", soft_wrap=True)
    summary = ", ".join(f"{number} {operation}" for operation, number in counts.items())
    console.print((summary or "nothing changes") + mark)
    if status["revision"] is not None:
        console.print(f"revision: {status['revision']}")
    return counts


def print_changed_paths(console: Console, status: Mapping[str, Any]) -> None:
    """Which requests take another path: one for each way that changes."""
    paths = status.get("changedPaths")
    if paths is None:
        return
    if not paths:
        console.print("requests: none takes another path")
        return
    total = status["changedPathsTotal"]
    more = f", of which {len(paths)} follow" if total > len(paths) else ""
    console.print(f"requests: {total} {'ways change' if total > 1 else 'way changes'}{more}")
    for path in paths:
        percentage = path["percentage"]
        some = f"  ({percentage:g}% of such requests)" if percentage < 100 else ""
        console.print(f"  {path['curl']}{some}", soft_wrap=True)
        console.print(f"    before: {path['before']}", soft_wrap=True)
        console.print(f"    after:  {path['after']}", soft_wrap=True)
