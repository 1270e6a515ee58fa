"""The file that ``laneway init`` writes: a lane group, its lanes, and what runs. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from laneway.model.names import DEFAULT_NAMESPACE, ObjectName
from laneway.model.services import Service

BASELINE = "base"
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Run:
    """A version of a service: of ``lane``, by a command or at an address. An empty ``how`` is a
    stand-in that answers with its name, and calls the next service."""

    lane: str
    how: str = ""


@dataclass(frozen=True, slots=True)
class StarterService:
    """``labels`` and ``ports`` are those that a declared Service asks of its workloads."""

    name: ObjectName
    runs: Sequence[Run]
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Sequence[Mapping[str, int | str]] = ()

    @classmethod
    def declared(cls, service: Service, runs: Sequence[Run]) -> StarterService:
        ports: list[Mapping[str, int | str]] = [
            {"port": port.workload_port}
            if isinstance(port.workload_port, int)
            else {"name": port.workload_port, "port": port.port}
            for port in service.ports
        ]
        return cls(service.name, runs, service.selector, ports)


@dataclass(frozen=True, slots=True)
class Starter:
    """The first service is the one that requests enter by. With ``call_urls``, each workload has
    the URLs of the other services."""

    group: str
    services: Sequence[StarterService]
    route_header: str
    trace_header: str
    port: int = 0
    gateway: ObjectName | None = None
    call_urls: bool = False

    @property
    def lanes(self) -> list[str]:
        runs = (run.lane for service in self.services for run in service.runs)
        return list(dict.fromkeys([BASELINE, *runs]))


def text(starter: Starter) -> str:
    """The YAML documents."""
    return "---\n".join(_documents(starter))


def _documents(starter: Starter) -> Iterator[str]:
    fixed = starter.port and {"annotations": {"laneway.dev/listen-ports": f"80={starter.port}"}}
    gateway = f"  gateway: {starter.gateway.short}\n" if starter.gateway else ""
    names = [service.name.short for service in starter.services]
    yield _head("LaneGroup", {"name": starter.group, **(fixed or {})}) + (
        "spec:\n"
        f"{gateway}"
        f"  routeHeader: {starter.route_header}  # names the lane\n"
        f"  traceHeader: {starter.trace_header}  # what your applications pass on with each call\n"
        f"  services: {_flow(names)}\n"
        f"  ingress: [{{name: all, destination: {names[0]}}}]  # where requests enter\n"
    )
    for lane in starter.lanes:
        spec: dict[str, object] = {"group": starter.group, "selector": {"lane": lane}}
        if lane != BASELINE:
            spec["services"] = [
                service.name.short
                for service in starter.services
                if any(run.lane == lane for run in service.runs)
            ]
        yield _head("Lane", {"name": lane}) + f"spec: {_flow(spec)}\n"
    for index, service in enumerate(starter.services):
        after = starter.services[index + 1 : index + 2]
        for run in service.runs:
            yield _workload(starter, service, run, after[0].name if after else None)


def _workload(
    starter: Starter, service: StarterService, run: Run, following: ObjectName | None
) -> str:
    metadata: dict[str, object] = {"name": f"{service.name.name}-{run.lane}"}
    if service.name.namespace != DEFAULT_NAMESPACE:
        metadata["namespace"] = service.name.namespace
    metadata["labels"] = {**(service.labels or {"app": service.name.name}), "lane": run.lane}
    spec: dict[str, object] = {}
    stand_in = ""
    if _ADDRESS.fullmatch(run.how):
        spec["address"] = run.how
    elif run.how:
        spec["command"] = shlex.split(run.how)
    else:
        stand_in = "# A stand-in: write your own command, and remove env.\n"
        spec["command"] = ["laneway-mock"]
        spec["env"] = {
            "app": service.name.name,
            "version": run.lane,
            "bind": "127.0.0.1:$(PORT)",
            "header": starter.trace_header,
            **({"upstream_url": f"http://{_host(following)}/"} if following else {}),
        }
    others = [each.name.short for each in starter.services if each is not service]
    if starter.call_urls and run.how and others:
        spec["callUrls"] = others
    if service.ports:
        spec["ports"] = list(service.ports)
    return stand_in + _head("Workload", metadata) + f"spec: {_flow(spec)}\n"


def _head(kind: str, metadata: Mapping[str, object]) -> str:
    return f"apiVersion: laneway.dev/v1alpha1\nkind: {kind}\nmetadata: {_flow(metadata)}\n"


def _host(name: ObjectName) -> str:
    return name.name if name.namespace == DEFAULT_NAMESPACE else f"{name.name}.{name.namespace}"


_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def _flow(value: object) -> str:
    """YAML in one line; JSON's quotes where a plain word could be read as something else."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
