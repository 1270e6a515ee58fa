"""The proxies and workloads of a mesh on this machine, as its API tells of them.

``adapters.http.processes`` answers with this; the commands ``ps``, ``logs``, ``restart``, ``exec``
and ``proxy-config`` ask for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from laneway.adapters.host.process_memory import resident_bytes
from laneway.adapters.http.processes import LogFile
from laneway.adapters.runner import environments
from laneway.adapters.runner.admin import AdminUnreachable
from laneway.adapters.runner.errors import RunnerError
from laneway.apiserver.access_log_entries import Selection
from laneway.apiserver.failures import Failure
from laneway.compile.envoy import names
from laneway.control import events
from laneway.control.control_plane import rejected
from laneway.control.proxies import ProxyStatus, Verdict
from laneway.model.lane_workloads import lanes_by_workload
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Address
from laneway.model.suggestions import suggestion
from laneway.model.workloads import Workload
from laneway.wiring.embedded import Embedded
from laneway.wiring.fleets import WorkloadStatus, sidecar_node
from laneway.wiring.lane_requests import LaneRequest, gateway_requests, without_lane
from laneway.wiring.reconciliation import Reconciliation

_API_VERSION = "api.laneway.dev/v1alpha1"
#: Seconds in which a proxy that has just been started connects.
_CONNECTING, _PERIOD = 5.0, 0.05
#: The last word of a resource's type, as ``istioctl proxy-status`` calls it.
_SERVICES = {
    "Cluster": "CDS",
    "Listener": "LDS",
    "ClusterLoadAssignment": "EDS",
    "RouteConfiguration": "RDS",
    "ScopedRouteConfiguration": "SRDS",
}


class Processes:
    """``problems`` are what is wrong with workloads, by name."""

    def __init__(
        self,
        embedded: Embedded,
        reconciliation: Reconciliation,
        problems: Callable[[], Mapping[ObjectName, str]],
    ) -> None:
        self._embedded = embedded
        self._reconciliation = reconciliation
        self._problems = problems

    def running(self) -> list[dict[str, Any]]:
        """Gateways, then workloads, each before its sidecar."""
        placements = self._embedded.control_plane.placements
        proxies = {status.node: status for status in self._embedded.proxies()}
        found = []
        for gateway in placements.gateways.values():
            node = names.gateway_node(gateway.gateway, gateway.generation)
            ports = _addresses(gateway.listeners)
            found.append(self._proxy(proxies[node], "Gateway", gateway.gateway, ports))
        running = {status.name: status for status in self._embedded.workloads()}
        lanes, problems = lanes_by_workload(self._embedded.mesh), self._problems()
        for workload in self._embedded.mesh.workloads:
            sidecar = placements.sidecars[workload.name]
            ports = _addresses(sidecar.application)
            of = lanes.get(workload.name, ())
            status = running.get(workload.name)
            found.append(_workload(workload, status, ports, of, problems.get(workload.name, "")))
            inbound = {**_addresses(sidecar.inbound), "outbound": str(sidecar.outbound)}
            node = sidecar_node(sidecar)
            found.append(self._proxy(proxies[node], "Sidecar", workload.name, inbound))
        return found

    async def restart(self, name: str) -> None:
        """A workload, as ``namespace/name`` or ``name``, or a proxy by its node id. Raises
        ``Failure``."""
        if self._is_proxy(name):
            await _carried_out(self._embedded.restart_proxy(name))
        else:
            await _carried_out(self._embedded.start_workload(self._ours(name)))

    async def start(self, name: str) -> None:
        """One that runs already stays as it is. Raises ``Failure``."""
        workload = self._ours(name)
        if all(status.name != workload for status in self._embedded.workloads()):
            await _carried_out(self._embedded.start_workload(workload))

    async def stop(self, name: str) -> None:
        """Raises ``Failure``."""
        await _carried_out(self._embedded.stop_workload(self._ours(name)))

    def access_logs(self, names_: Sequence[str], selection: Selection) -> list[LogFile]:
        """Of these proxies, by their own names or by what they belong to; of all if none is named.
        Raises ``Failure``."""
        unlogged = [n for n, _ in selection.headers if n not in self._embedded.logged_headers]
        if unlogged:
            name = unlogged[0]
            fix = f"start laneway again with --log-header {name}"
            raise Failure(409, f"the proxies do not log the header {name}; {fix}")
        return [self._access_log(node, selection) for node in self._nodes(names_)]

    def logs(self, names_: Sequence[str], lane: str) -> list[LogFile]:
        """Of these workloads and proxies; of all workloads if none is named. ``lane`` leaves out
        those of other lanes. Raises ``Failure``."""
        chosen: Iterable[str] = names_
        if not names_:
            lanes = lanes_by_workload(self._embedded.mesh)
            workloads = (each.name for each in self._embedded.mesh.workloads)
            chosen = [str(name) for name in workloads if not lane or lane in lanes.get(name, ())]
            if lane and not chosen:
                raise Failure(404, f"lane {lane} has no workloads here")
        return [self._log(name) for name in chosen]

    def environment(self, name: str) -> dict[str, Any]:
        """What a workload's process is given on top of laneway's own environment."""
        workload = self._embedded.mesh.workloads_by_name[self._workload(name)]
        placement = self._embedded.control_plane.placements.sidecars[workload.name]
        return {
            "environment": dict(environments.variables(workload, placement)),
            "workingDirectory": workload.working_dir or str(Path.cwd()),
        }

    async def proxy_config(self, node: str, target: str) -> bytes:
        """What the proxy's admin interface answers. Raises ``Failure``."""
        (node,) = self._nodes([node])
        try:
            return await self._embedded.proxy_admin(node, target)
        except AdminUnreachable as error:
            raise Failure(503, f"proxy {node}: {error}") from error

    def lane_requests(self) -> dict[str, Any]:
        """A request for each lane, and for each group one without a lane (""); ``unreachable`` are
        the lanes for which none can be written down, and ``counted`` the services whose requests
        proxies count by lane."""
        mesh, urls = self._embedded.mesh, self._embedded.gateway_urls()
        named = list(gateway_requests(mesh, urls))
        requests = [*without_lane(iter(named), mesh), *named]
        reached = {(each.group, each.lane) for each in named}
        return {
            "items": [_lane_request(each, mesh) for each in requests],
            "unreachable": [
                {"group": lane.group, "lane": lane.name}
                for lane in mesh.lanes
                if (lane.group, lane.name) not in reached
            ],
            "counted": sorted(map(str, mesh.groups_by_service)),
        }

    async def synchronization(self, seconds: float) -> dict[str, Any]:
        """The statuses of proxies once they have acknowledged all writes, or time is over."""
        reached = True
        try:
            async with asyncio.timeout(seconds):
                await self._reconciliation.caught_up()
                await self._settled()
        except TimeoutError:
            reached = False
        statuses = self._embedded.proxies()
        return {
            "kind": "Synchronization",
            "apiVersion": _API_VERSION,
            "reached": reached,
            "proxies": {
                "total": len(statuses),
                "connected": sum(each.connected for each in statuses),
                "synced": sum(each.connected and each.synced for each in statuses),
            },
            "rejections": [text for each in statuses for text in rejected(each)],
            "errors": self._reconciliation.errors(),
        }

    async def _settled(self) -> None:
        """Until every connected proxy has answered. One that has just been started connects soon;
        one that is away for longer is not waited for."""
        clock = asyncio.get_running_loop().time
        patience = clock() + _CONNECTING
        while True:
            await self._embedded.wait_synced()
            statuses = self._embedded.proxies()
            late = [each for each in statuses if not (each.synced or rejected(each))]
            away = [each for each in statuses if not each.connected]
            if not any(each.connected for each in late) and (not away or clock() >= patience):
                return
            await asyncio.sleep(_PERIOD)

    def _proxy(
        self, status: ProxyStatus, role: str, of: ObjectName, ports: Mapping[str, str]
    ) -> dict[str, Any]:
        ready = self._embedded.proxy_is_ready(status.node)
        pid = self._embedded.proxy_pid(status.node)
        return {
            "metadata": {"name": status.node},
            "spec": {"type": "Proxy", "role": role, "of": str(of)},
            "status": {
                "state": "Ready" if ready else "NotReady",
                "connected": status.connected,
                "synced": status.connected and status.synced,
                "resources": dict(_by_service(status)),
                "rejections": list(rejected(status)),
                **_process(pid, self._embedded.proxy_restarts(status.node), ports),
            },
        }

    def _log(self, name: str) -> LogFile:
        subject: events.Subject
        if self._is_proxy(name):
            subject = events.ProxyInstance(name)
        else:
            subject = events.WorkloadInstance(self._workload(name))
        return LogFile(subject.name, self._embedded.log_path(subject))

    def _access_log(self, node: str, selection: Selection) -> LogFile:
        path = self._embedded.access_log_path(node)
        if path is None:
            raise Failure(
                409, "the proxies write no access logs; start laneway again with --access-log"
            )
        return LogFile(node, path, selection)

    def _nodes(self, wanted: Sequence[str]) -> Iterator[str]:
        """Proxies by their node ids, or by what they belong to."""
        placements = self._embedded.control_plane.placements
        if not wanted:
            yield from (status.node for status in self._embedded.proxies())
        for name in wanted:
            gateway = ObjectName.of(name)
            if self._is_proxy(name):
                yield name
            elif placed := placements.gateways.get(gateway):
                yield names.gateway_node(gateway, placed.generation)
            else:
                yield sidecar_node(placements.sidecars[self._workload(name)])

    def _is_proxy(self, name: str) -> bool:
        if "~" not in name:
            return False
        known = [status.node for status in self._embedded.proxies()]
        if name not in known:
            fix = suggestion(name, known) or "`laneway ps` lists them"
            raise Failure(404, f"there is no proxy {name}; {fix}")
        return True

    def _workload(self, word: str) -> ObjectName:
        known = self._embedded.mesh.workloads_by_name
        name = ObjectName.of(word)
        if name in known:
            return name
        same = [each for each in known if "/" not in word and each.name == word]
        if len(same) == 1:
            return same[0]
        fix = suggestion(str(name), list(map(str, known))) or "`laneway ps` lists them"
        raise Failure(404, f"there is no workload {word}; {fix}")

    def _ours(self, word: str) -> ObjectName:
        name = self._workload(word)
        address = self._embedded.mesh.workloads_by_name[name].address
        if address is not None:
            why = f"workload {name} runs at {address} by itself; laneway does not start or stop it"
            raise Failure(409, why)
        return name


def _workload(
    workload: Workload,
    status: WorkloadStatus | None,
    ports: Mapping[str, str],
    lanes: Iterable[str],
    problem: str,
) -> dict[str, Any]:
    state = "Stopped" if status is None else "Ready" if status.ready else "NotReady"
    pid, restarts = (status.pid, status.restarts) if status else (None, 0)
    return {
        "metadata": {"name": workload.name.name, "namespace": workload.name.namespace},
        "spec": {
            "type": "Workload",
            "command": list(workload.command or ()),
            "lanes": list(lanes),
        },
        "status": {"state": state, "message": problem, **_process(pid, restarts, ports)},
    }


def _lane_request(request: LaneRequest, mesh: Mesh) -> dict[str, Any]:
    """``traceHeader`` is null where requests need no trace ids; ``propagated`` is the header that
    applications are to pass on."""
    (group,) = (each for each in mesh.groups if each.name == request.group)
    return {
        "group": request.group,
        "lane": request.lane,
        "gateway": str(request.gateway),
        "port": request.port,
        "url": request.url,
        "path": request.path,
        "headers": dict(request.headers),
        "traceHeader": request.trace_header,
        "propagated": group.trace_header,
    }


def _process(pid: int | None, restarts: int, ports: Mapping[str, str]) -> dict[str, Any]:
    memory = resident_bytes(pid) if pid else None
    return {"pid": pid, "restarts": restarts, "memoryBytes": memory, "ports": dict(ports)}


def _addresses(placed: Mapping[int, Address]) -> dict[str, str]:
    return {str(port): str(address) for port, address in placed.items()}


def _by_service(status: ProxyStatus) -> Iterator[tuple[str, str]]:
    """For each discovery service what ``istioctl proxy-status`` says: SYNCED, STALE, REJECTED."""
    for kind, service in _SERVICES.items():
        verdicts = {each.verdict for each in status.resources if each.type_url.endswith(f".{kind}")}
        if not status.connected:
            yield service, "DISCONNECTED"
        elif Verdict.REJECTED in verdicts:
            yield service, "REJECTED"
        else:
            yield service, "STALE" if verdicts else "SYNCED"


async def _carried_out(work: Any) -> None:
    try:
        await work
    except RunnerError as error:
        raise Failure(409, str(error)) from error
    except OSError as error:
        raise Failure(500, f"{error.filename or ''}: {error.strerror}") from error
