"""What a change set, a rollback or a promotion did, or would do, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from laneway.control.revisions import ObjectId
from laneway.faces.cli.resource_words import ObjectReference, reference_of


def print_objects(console: Console, status: Mapping[str, Any], *, dry_run: bool) -> Counter[str]:
    """A line for each object, and how many of each operation there are."""
    counts: Counter[str] = Counter()
    for entry in status["objects"]:
        key = ObjectId(entry["resource"], entry.get("namespace", ""), entry["name"])
        counts[entry["operation"]] += 1
        print_operation(console, reference_of(key), entry["operation"], dry_run=dry_run)
    print_summary(console, counts, dry_run=dry_run)
    if status["revision"] is not None:
        console.print(f"revision: {status['revision']}")
    return counts


def print_operation(
    console: Console, reference: ObjectReference, operation: str, *, dry_run: bool
) -> None:
    console.print(f"{reference} {operation}{_mark(dry_run)}", soft_wrap=True)


def print_summary(console: Console, counts: Counter[str], *, dry_run: bool) -> None:
    summary = ", ".join(f"{number} {operation}" for operation, number in counts.items())
    console.print((summary or "nothing changes") + _mark(dry_run))


def print_changed_paths(console: Console, status: Mapping[str, Any]) -> None:
    """Which requests take another path: an example of each kind."""
    paths = status.get("changedPaths")
    if paths is None:
        return
    if not paths:
        console.print("requests: all go as before")
        return
    total = status["changedPathsTotal"]
    more = f", of which {len(paths)} follow" if total > len(paths) else ""
    kinds = "1 kind takes" if total == 1 else f"{total} kinds take"
    console.print(f"requests: {kinds} another path{more}")
    for path in paths:
        percentage = path["percentage"]
        some = f"  ({percentage:g}% of such requests)" if percentage < 100 else ""
        console.print(f"  {path['curl']}{some}", soft_wrap=True)
        console.print(f"    before: {path['before']}", soft_wrap=True)
        console.print(f"    after:  {path['after']}", soft_wrap=True)


def _mark(dry_run: bool) -> str:
    return " (dry run)" if dry_run else ""
