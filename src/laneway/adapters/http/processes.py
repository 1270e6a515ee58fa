"""Endpoints of the processes of a mesh on one machine: what runs, its logs, starting and stopping.

They are for admins: an environment holds secrets, and whoever restarts a workload changes what
others use.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from laneway.adapters.host.log_lines import LogLines
from laneway.adapters.http.administration import API_VERSION, require_admin
from laneway.adapters.http.bodies import ReadYaml, body
from laneway.apiserver.access_log_entries import STATUS, Selection, shown
from laneway.apiserver.failures import Failure

_ROOT = f"/apis/{API_VERSION}"
_FOLLOW_PERIOD = 0.2
_LONGEST_WAIT = 600
#: What may be asked of a proxy's admin interface. Its other answers change something, or tell the
#: secret by which the proxy proves who it is.
_CONFIGURATION = {
    "clusters": "/config_dump?resource=dynamic_active_clusters",
    "listeners": "/config_dump?resource=dynamic_listeners",
    "routes": "/config_dump?resource=dynamic_route_configs",
    "endpoints": "/clusters?format=json",
    "stats": "/stats?format=json&usedonly",
}


@dataclass(frozen=True, slots=True)
class LogFile:
    """With a selection it is an access log, of which secrets are not shown, and only what is
    selected."""

    name: str
    path: Path
    selection: Selection | None = None

    def shown(self, line: str) -> str | None:
        return line if self.selection is None else shown(line, self.selection)


class Processes(Protocol):
    """What runs. All methods raise ``Failure``, for instance for a name that there is not."""

    def running(self) -> list[dict[str, Any]]: ...

    async def restart(self, name: str) -> None: ...

    async def start(self, name: str) -> None: ...

    async def stop(self, name: str) -> None: ...

    def logs(self, names: Sequence[str], lane: str) -> Sequence[LogFile]: ...

    def access_logs(self, names: Sequence[str], selection: Selection) -> Sequence[LogFile]: ...

    def environment(self, name: str) -> dict[str, Any]: ...

    async def proxy_config(self, node: str, target: str) -> bytes: ...

    def lane_requests(self) -> dict[str, Any]: ...

    async def synchronization(self, seconds: float) -> dict[str, Any]: ...


class ProcessEndpoints:
    def __init__(self, processes: Processes, read_yaml: ReadYaml) -> None:
        self._processes = processes
        self._read_yaml = read_yaml
        self._closed = asyncio.Event()

    @property
    def routes(self) -> list[Route]:
        return [
            Route(f"{_ROOT}/processes", self._list),
            Route(f"{_ROOT}/processes/log", self._log),
            Route(f"{_ROOT}/processes/environment", self._environment),
            Route(f"{_ROOT}/processactions", self._act, methods=["POST"]),
            Route(f"{_ROOT}/proxyconfig", self._proxy_config),
            Route(f"{_ROOT}/synchronization", self._synchronization),
            Route(f"{_ROOT}/lanerequests", self._lane_requests),
        ]

    def close(self) -> None:
        """End the logs that are followed."""
        self._closed.set()

    async def _list(self, request: Request) -> Response:
        require_admin(request, "processes are")
        items = [
            {"kind": "Process", "apiVersion": API_VERSION, **each}
            for each in await asyncio.to_thread(self._processes.running)
        ]
        return JSONResponse({"kind": "ProcessList", "apiVersion": API_VERSION, "items": items})

    async def _act(self, request: Request) -> Response:
        require_admin(request, "processes are")
        data = await body(request, self._read_yaml)
        spec = data.get("spec") if isinstance(data, dict) else None
        if not isinstance(spec, dict):
            raise Failure(400, "the body is not a ProcessAction with a spec")
        actions: dict[str, Callable[[str], Awaitable[None]]] = {
            "restart": self._processes.restart,
            "start": self._processes.start,
            "stop": self._processes.stop,
        }
        action, name = spec.get("action"), spec.get("name")
        if action not in actions:
            raise Failure(422, f"spec.action: {action!r} is none of {', '.join(actions)}")
        if not isinstance(name, str) or not name:
            raise Failure(422, "spec.name: expected the name of a workload or a proxy")
        await actions[action](name)
        document = {"kind": "ProcessAction", "apiVersion": API_VERSION, "spec": spec}
        return JSONResponse(document, 201)

    async def _environment(self, request: Request) -> Response:
        require_admin(request, "environments are")
        found = self._processes.environment(_parameter(request, "name"))
        return JSONResponse({"kind": "Environment", "apiVersion": API_VERSION, **found})

    async def _proxy_config(self, request: Request) -> Response:
        require_admin(request, "configurations of proxies are")
        part = _parameter(request, "part")
        if part not in _CONFIGURATION:
            raise Failure(422, f"part: {part!r} is none of {', '.join(_CONFIGURATION)}")
        name = _parameter(request, "name")
        found = await self._processes.proxy_config(name, _CONFIGURATION[part])
        return Response(found, media_type="application/json")

    async def _synchronization(self, request: Request) -> Response:
        seconds = _number(request, "timeoutSeconds")
        wait = 60 if seconds is None else min(seconds, _LONGEST_WAIT)
        return JSONResponse(await self._processes.synchronization(wait))

    async def _lane_requests(self, request: Request) -> Response:
        require_admin(request, "requests of lanes are")
        found = self._processes.lane_requests()
        return JSONResponse({"kind": "LaneRequestList", "apiVersion": API_VERSION, **found})

    async def _log(self, request: Request) -> Response:
        """Lines of JSON: which log, and its line. Access logs may be selected from by ``lane``,
        ``service``, ``path``, ``status`` and ``header``, as ``NAME: VALUE`` or ``NAME``."""
        require_admin(request, "logs are")
        query = request.query_params
        access, follow = (query.get(name, "") == "true" for name in ("access", "follow"))
        names, lane = query.getlist("name"), query.get("lane", "")
        selection = _selection(request) if access else None

        def find() -> Sequence[LogFile]:
            if selection is not None:
                return self._processes.access_logs(names, selection)
            return self._processes.logs(names, lane)

        files = find()
        again = find if follow and not names else None
        lines = self._lines(files, _number(request, "tailLines"), again, follow=follow)
        return StreamingResponse(lines, media_type="application/x-ndjson")

    async def _lines(
        self,
        files: Sequence[LogFile],
        last: int | None,
        again: Callable[[], Sequence[LogFile]] | None,
        *,
        follow: bool,
    ) -> AsyncIterator[bytes]:
        """``again`` finds the logs that have come since: of workloads that are new."""
        logs = {file: LogLines(file.path) for file in files}
        try:
            for file, log in logs.items():
                lines = await asyncio.to_thread(log.written, last)
                yield _encoded(file, lines if follow else [*lines, *log.rest()])
            while follow and not self._closed.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closed.wait(), _FOLLOW_PERIOD)
                for file, log in list(logs.items()):
                    yield _encoded(file, await asyncio.to_thread(log.added))
                if again is not None:
                    with suppress(Failure):  # none of the lane are left: more may come
                        logs |= {f: LogLines(f.path) for f in again() if f not in logs}
        finally:
            for log in logs.values():
                log.close()


def _encoded(file: LogFile, lines: Sequence[str]) -> bytes:
    texts = (text for line in lines if (text := file.shown(line)) is not None)
    entries = ({"name": file.name, "line": text} for text in texts)
    return b"".join(json.dumps(each).encode() + b"\n" for each in entries)


def _parameter(request: Request, name: str) -> str:
    value = request.query_params.get(name, "")
    if not value:
        raise Failure(400, f"{name}: the parameter is missing")
    return value


def _selection(request: Request) -> Selection:
    query = request.query_params
    statuses = query.getlist("status")
    for each in statuses:
        if not STATUS.fullmatch(each):
            raise Failure(400, f"status: {each!r} is none: write 404, 5xx, or 0 for no answer")
    headers = [each.partition(":") for each in query.getlist("header")]
    return Selection(
        query.get("lane", ""),
        query.get("service", ""),
        tuple(statuses),
        query.get("path", ""),
        tuple((name.strip().lower(), value.strip()) for name, _, value in headers),
    )


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name, "")
    if not value:
        return None
    if not value.isdecimal() or len(value) > 9:
        raise Failure(400, f"{name}: {value!r} is not a number")
    return int(value)
