"""``laneway promote``: a lane's versions become the baseline, or cease to be it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from laneway.apiserver.virtual_resources import PROMOTION
from laneway.faces.cli import object_requests
from laneway.faces.cli.failures import Failed, say
from laneway.faces.cli.proxy_acknowledgements import print_acknowledgements
from laneway.faces.cli.resource_words import references
from laneway.faces.cli.server_requests import NotServed, Server, ServerError
from laneway.faces.cli.terminals import errors, output
from laneway.faces.cli.virtual_requests import create
from laneway.faces.cli.whole_change_answers import print_changed_paths, print_objects
from laneway.model.suggestions import listing, suggestion
from laneway.schema.yaml_text import dump_all

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Promotion:
    """What is asked for. ``lane`` is NAME or GROUP/NAME; no services are all of the lane's."""

    lane: str
    services: Sequence[str] = ()
    undo: bool = False
    force: bool = False
    message: str = ""
    dry_run: bool = False
    seconds: int = 60


def run(server: Server, how: Promotion) -> int:
    lane = _lane(server, how.lane)
    group, name = lane["spec"]["group"], lane["metadata"]["name"]
    asked = {
        "group": group,
        "lane": name,
        "services": list(how.services),
        "undo": how.undo,
        "force": how.force,
        "message": how.message,
    }
    try:
        status = _made(server, asked, dry_run=how.dry_run)
    except ServerError as error:
        patch = (error.document.get("details") or {}).get("patch")
        if patch is None:
            raise
        say(_without_patch(error, patch))
        errors().print(f"Commit this to where LaneGroup {group} is declared:", soft_wrap=True)
        print(dump_all([patch]), end="")
        return 1
    console = output()
    counts = print_objects(console, status, dry_run=how.dry_run)
    _print_baselines(console, status)
    print_changed_paths(console, status)
    if how.dry_run or not counts:
        return 0
    code = print_acknowledgements(console, server, how.seconds)
    if not how.undo:
        console.print(f"take it back: laneway promote {group}/{name} --undo", soft_wrap=True)
    return code


def _made(server: Server, asked: Mapping[str, Any], *, dry_run: bool) -> Mapping[str, Any]:
    try:
        return create(server, PROMOTION, asked, dry_run=dry_run)
    except NotServed:
        from laneway.faces.cli.cluster_promotion import promote_in_cluster

        return promote_in_cluster(server, asked, dry_run=dry_run)


def _lane(server: Server, word: str) -> Manifest:
    """Raises ``Failed``, with a suggestion, if there is no such lane."""
    group, slash, name = word.rpartition("/")
    (lanes,) = references(["lanes"], "")
    found = object_requests.find(server, lanes)
    for each in found:
        if each["metadata"]["name"] == name and (not slash or each["spec"]["group"] == group):
            return each
    known = [f"{each['spec']['group']}/{each['metadata']['name']}" for each in found]
    if not slash:
        known = [each.rpartition("/")[2] for each in known]
    fix = suggestion(word, known, f"there is {listing(known) or 'none'}")
    raise Failed(f"there is no lane {word}; {fix}")


def _print_baselines(console: Console, status: Mapping[str, Any]) -> None:
    """``mocka: s1 -> s2``; ``-`` is the baseline of the group."""
    after, before = (status[each]["spec"]["serviceBaselines"] for each in ("patch", "undo"))
    for service, lane in after.items():
        was = before[service]
        change = lane or "-" if was == lane else f"{was or '-'} -> {lane or '-'}"
        console.print(f"baseline of {service}: {change}", soft_wrap=True)


def _without_patch(error: ServerError, patch: Mapping[str, Any]) -> str:
    """The reason alone: the patch follows as YAML."""
    text = str(error).replace(f"by {json.dumps(patch)}", "by the patch that follows")
    return text.replace("by `force`", "by --force-conflicts")
