"""``laneway lane``: a lane is created, enabled, disabled, extended or deleted as a whole.

What ``create`` applies has a source of its own, by which ``delete`` finds all of it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from rich.console import Console

from laneway.apiserver.change_sets import applied_by
from laneway.apiserver.field_ownership import owners_of
from laneway.apiserver.virtual_resources import CHANGE_SET
from laneway.faces.cli import object_requests
from laneway.faces.cli.failures import Failed, say
from laneway.faces.cli.live_meshes import gateway_urls, live_mesh
from laneway.faces.cli.new_lanes import NewLane, documents
from laneway.faces.cli.proxy_acknowledgements import known_errors, print_acknowledgements
from laneway.faces.cli.resource_words import named_references
from laneway.faces.cli.server_requests import NotServed, Server, ServerError, request
from laneway.faces.cli.terminals import errors, fact, output
from laneway.faces.cli.virtual_requests import create
from laneway.faces.cli.whole_change_answers import print_changed_paths, print_objects
from laneway.model.times import timestamp
from laneway.schema.yaml_text import dump_all
from laneway.wiring.lane_expiry import utc_now
from laneway.wiring.lane_requests import gateway_requests

_MANAGER = "laneway-lane"


def create_lane(server: Server, new: NewLane, *, dry_run: bool, seconds: int) -> int:
    """1 if it is refused, or not ready in time; how to send a request into it is printed anyway."""
    live = live_mesh(server)
    if _find(server, new.name) is not None:
        raise Failed(
            f"lane {new.name} exists: `laneway edit lane {new.name}` changes it, and `laneway lane "
            f"delete {new.name}` deletes what `lane create` made"
        )
    objects = documents(new, live, utc_now())
    spec = {
        "source": _source(new.name),
        "objects": objects,
        "message": f"laneway lane create {new.name}",
        "wait": True,
        "timeoutSeconds": seconds,
    }
    console = output()
    status = _changed(server, spec, dry_run=dry_run)
    print_objects(console, status, dry_run=dry_run)
    print_changed_paths(console, status)
    if dry_run:
        print(dump_all(map(dict, objects)), end="")
        return 0
    code = print_acknowledgements(console, server, seconds)
    if not status["ready"]:
        lacking = ", ".join(status["notReady"])
        text = f"{lacking}; `laneway describe lane {new.name}` says why, and `laneway logs` more"
        errors().print(fact("not ready:", "bold yellow", text), soft_wrap=True)
        code = 1
    _print_request(console, server, new.name)
    return code


def delete_lane(server: Server, name: str, *, dry_run: bool, seconds: int) -> int:
    """Everything that ``lane create`` applied for it."""
    manifest = _existing(server, name)
    if _source(name) not in applied_by(manifest):
        raise Failed(
            f"lane {name} was not created by `laneway lane create`: `laneway delete lane {name}` "
            "deletes it alone"
        )
    spec = {
        "source": _source(name),
        "prune": True,
        "message": f"laneway lane delete {name}",
    }
    status = _changed(server, spec, dry_run=dry_run)
    print_objects(output(), status, dry_run=dry_run)
    print_changed_paths(output(), status)
    return 0 if dry_run else print_acknowledgements(output(), server, seconds)


def enable(server: Server, name: str, *, enabled: bool, force: bool, seconds: int) -> int:
    return _set(server, name, {"enabled": enabled}, force=force, seconds=seconds)


def extend(server: Server, name: str, ttl: timedelta, *, force: bool, seconds: int) -> int:
    """From now on."""
    until = timestamp(utc_now() + ttl)
    return _set(server, name, {"expiresAt": until}, force=force, seconds=seconds)


def _set(server: Server, name: str, fields: Mapping[str, Any], *, force: bool, seconds: int) -> int:
    """1, and the patch to commit, where the lane or the field is declared elsewhere."""
    manifest, patch = _existing(server, name), {"spec": fields}
    (reference,) = named_references([f"lane/{name}"], "")
    known = known_errors(server)
    owners = [] if force else _other_owners(manifest, fields, name)
    refusal = f"lane {name}: {', '.join(owners)} declares {', '.join(fields)}" if owners else ""
    if not refusal:
        query = urlencode({"fieldManager": _MANAGER, "fieldValidation": "Strict"})
        kind = "application/merge-patch+json"
        try:
            request(server, "PATCH", f"{reference.path}?{query}", patch, content_type=kind)
        except ServerError as error:
            if error.code != 409:
                raise
            refusal = str(error)
    if refusal:
        say(refusal + ("; --force-conflicts takes it over" if owners else ""))
        errors().print(f"Commit this to where Lane {name} is declared:", soft_wrap=True)
        print(dump_all([patch]), end="")
        return 1
    shown = ", ".join(f"{field}: {str(value).lower()}" for field, value in fields.items())
    output().print(f"{reference} configured ({shown})", soft_wrap=True)
    return print_acknowledgements(output(), server, seconds, known)


def _other_owners(manifest: Mapping[str, Any], fields: Mapping[str, Any], name: str) -> list[str]:
    """Managers that declare one of the fields, and are none of laneway's own commands."""
    ours = (_MANAGER, _source(name), "laneway-edit")
    return sorted(
        {
            manager.name
            for manager, owned in owners_of(manifest).items()
            if manager.name not in ours
            for path in owned.paths
            if path[:1] == ("f:spec",) and path[1:2] and path[1].removeprefix("f:") in fields
        }
    )


def _changed(server: Server, spec: Mapping[str, Any], *, dry_run: bool) -> Mapping[str, Any]:
    try:
        return create(server, CHANGE_SET, spec, dry_run=dry_run)
    except NotServed as error:
        raise NotServed(
            "laneway starts no workloads in a cluster: deploy the version there with the lane's "
            "labels, and `laneway apply` its Lane"
        ) from error


def _existing(server: Server, name: str) -> Mapping[str, Any]:
    """Raises ``ServerError`` if there is no such lane."""
    (reference,) = named_references([f"lane/{name}"], "")
    (found,) = object_requests.find(server, reference)
    return found


def _find(server: Server, name: str) -> Mapping[str, Any] | None:
    (reference,) = named_references([f"lane/{name}"], "")
    return object_requests.find_or_none(server, reference)


def _print_request(console: Console, server: Server, lane: str) -> None:
    mesh = live_mesh(server).mesh
    try:
        urls = gateway_urls(server)
    except ServerError as error:
        if error.code != 404:
            raise
        urls = {}
    found = [each for each in gateway_requests(mesh, urls) if each.lane == lane]
    for each in found:
        console.print(f"try it: {each.curl()}", soft_wrap=True)
    if not found:
        (group,) = {each.group for each in mesh.lanes if each.name == lane}
        header = mesh.groups_by_name[group].route_header
        console.print(f"requests enter it by the header {header}: {lane}", soft_wrap=True)


def _source(lane: str) -> str:
    return f"{_MANAGER}/{lane}"
