"""The objects of a new lane: the Lane, and a Workload for each service that it changes. Pure.

They are like those of the group's baseline: the lane's label has the same name, and a workload has
the labels and the ports of the one that it stands in for.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import typer

from laneway.control.revisions import ObjectId
from laneway.faces.cli.failures import Failed
from laneway.faces.cli.live_meshes import LiveMesh
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.names import ObjectName, find_name, is_label
from laneway.model.selection import Selection
from laneway.model.services import Service
from laneway.model.suggestions import listing, suggestion
from laneway.model.times import timestamp

Manifest = Mapping[str, Any]
_API = "laneway.dev/v1alpha1"
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")
_TTL = re.compile(r"(?P<number>[1-9]\d{0,5})(?P<unit>[mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
#: What a version that laneway starts has of the one that it stands in for.
_STARTED = ("env", "envFile", "readiness", "startTimeoutSeconds", "callUrls", "calls")
#: What it has if it runs already.
_RUNNING = ("readiness", "calls")


@dataclass(frozen=True, slots=True)
class Version:
    """A service's version in the lane: a command, or the address of one that runs."""

    service: str
    how: str

    @classmethod
    def of(cls, word: str) -> Version:
        """``NAME=COMMAND`` or ``NAME=HOST:PORT``. Raises ``typer.BadParameter``."""
        service, _, how = word.partition("=")
        try:
            if service and shlex.split(how):
                return cls(service, how)
        except ValueError as error:
            raise typer.BadParameter(f"--service: `{word}`: {error}") from None
        raise typer.BadParameter(
            f"--service: `{word}` is neither NAME=COMMAND nor NAME=HOST:PORT, as in "
            "cart='node cart.js' or cart=127.0.0.1:9000"
        )


@dataclass(frozen=True, slots=True)
class NewLane:
    """What is asked for. ``folder`` is where commands run; ``ttl`` None is no end."""

    name: str
    versions: Sequence[Version]
    folder: str
    group: str | None = None
    ttl: timedelta | None = None
    owner: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


def lifetime(text: str) -> timedelta:
    """``90m``, ``12h``, ``3d``, ``2w``. Raises ``typer.BadParameter``."""
    match = _TTL.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"--ttl: `{text}` is no duration, such as 12h, 3d or 2w")
    return timedelta(**{_UNITS[match["unit"]]: int(match["number"])})


def variables(words: Sequence[str]) -> Mapping[str, str]:
    """``NAME=VALUE`` each. Raises ``typer.BadParameter``."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise typer.BadParameter(f"--env: `{word}` is not NAME=VALUE")
        found[name] = value
    return found


def documents(new: NewLane, live: LiveMesh, now: datetime) -> list[Manifest]:
    """The Lane, then its Workloads. Raises ``Failed`` and ``typer.BadParameter``."""
    if not is_label(new.name):
        raise typer.BadParameter(f"`{new.name}` is no lane's name: write a-z, 0-9 and -")
    group = _group(new, live)
    baseline = live.mesh.baseline(group)
    if baseline is None:
        raise Failed(f"group {group.name} has no lane yet: declare its baseline first")
    services = [_service(version, group, live) for version in new.versions]
    if len(set(services)) < len(services):
        raise typer.BadParameter("--service: a service is given twice")
    labels = _labels(new.name, baseline, live)
    spec: dict[str, Any] = {
        "group": group.name,
        "selector": labels,
        "services": [each.short for each in services],
    }
    if new.owner:
        spec["owner"] = new.owner
    if new.ttl is not None:
        spec["expiresAt"] = timestamp(now + new.ttl)
    if rules := _rules(baseline, live):
        spec["ingress"] = rules
    lane = {"apiVersion": _API, "kind": "Lane", "metadata": {"name": new.name}, "spec": spec}
    workloads = [
        _workload(new, version, live.mesh.services_by_name[name], baseline, labels, live)
        for version, name in zip(new.versions, services, strict=True)
    ]
    return [lane, *workloads]


def _group(new: NewLane, live: LiveMesh) -> LaneGroup:
    known = live.mesh.groups_by_name
    if new.group is not None:
        if new.group not in known:
            fix = suggestion(new.group, list(known), f"there is {listing(list(known)) or 'none'}")
            raise Failed(f"there is no lane group {new.group}; {fix}")
        return known[new.group]
    if not known:
        raise Failed("there is no lane group: declare one with its services and a baseline first")
    if len(known) > 1:
        raise typer.BadParameter(f"say which group: --group, one of {listing(list(known))}")
    return next(iter(known.values()))


def _service(version: Version, group: LaneGroup, live: LiveMesh) -> ObjectName:
    known = [name for name in group.services if name in live.mesh.services_by_name]
    found = find_name(version.service, known)
    if found is None:
        words = [name.short for name in known]
        fix = suggestion(version.service, words, f"there is {listing(words) or 'none'}")
        raise Failed(f"group {group.name} has no service {version.service}; {fix}")
    return found


def _rules(baseline: Lane, live: LiveMesh) -> Any:
    """Those that the baseline states itself. A lane without any has those of its group."""
    declared = live.objects.get(ObjectId("lanes.laneway.dev", "", baseline.name))
    return declared["spec"].get("ingress") if declared is not None else None


def _labels(name: str, baseline: Lane, live: LiveMesh) -> dict[str, str]:
    """The baseline's labels; those that tell its group's lanes apart have the lane's name."""
    if not baseline.selector:
        keys = [each.key for each in baseline.match_expressions]
        return {keys[0] if keys else "lane": name}
    others = [each for each in live.mesh.lanes_by_group[baseline.group] if each is not baseline]
    common = {
        key: value
        for key, value in baseline.selector.items()
        if others and all(each.selector.get(key) == value for each in others)
    }
    telling = [key for key in baseline.selector if key not in common]
    return {**common, **dict.fromkeys(telling or list(baseline.selector), name)}


def _workload(
    new: NewLane,
    version: Version,
    service: Service,
    baseline: Lane,
    labels: Mapping[str, str],
    live: LiveMesh,
) -> Manifest:
    name = service.name
    standing = next(iter(Selection(live.mesh).workloads(service, baseline)), None)
    like: Manifest = live.workload(standing.name)["spec"] if standing else {}
    is_address = _ADDRESS.fullmatch(version.how) is not None
    copied = _RUNNING if is_address else _STARTED
    spec: dict[str, Any] = {field: like[field] for field in copied if like.get(field)}
    if is_address:
        spec["address"] = version.how
    else:
        spec["command"] = shlex.split(version.how)
        spec["workingDir"] = new.folder
        if new.environment:
            spec["env"] = {**spec.get("env", {}), **new.environment}
    if ports := list(_ports(like)):
        spec["ports"] = ports
    metadata = {
        "name": f"{name.name}-{new.name}",
        "namespace": name.namespace,
        "labels": {**service.selector, **labels},
    }
    return {"apiVersion": _API, "kind": "Workload", "metadata": metadata, "spec": spec}


def _ports(like: Manifest) -> Iterator[Manifest]:
    """Without the ports of this machine, which one workload alone can have."""
    for port in like.get("ports") or ():
        yield {key: value for key, value in port.items() if key != "listen"}
