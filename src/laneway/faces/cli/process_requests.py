"""Requests about the processes of a running laneway: its proxies and workloads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from laneway.faces.cli.server_requests import Server, lines, request

_ROOT = "/apis/api.laneway.dev/v1alpha1"
Process = Mapping[str, Any]


def processes(server: Server) -> list[Process]:
    """Proxies and workloads. Raises ``ServerError``, as the others here do."""
    found: list[Process] = request(server, "GET", f"{_ROOT}/processes")["items"]
    return found


def act(server: Server, action: str, name: str) -> None:
    """``restart``, ``start`` or ``stop`` a workload, or ``restart`` a proxy."""
    request(server, "POST", f"{_ROOT}/processactions", {"spec": {"action": action, "name": name}})


def environment(server: Server, workload: str) -> Mapping[str, Any]:
    """``environment`` and ``workingDirectory`` of the workload's process."""
    found: Mapping[str, Any] = request(
        server, "GET", f"{_ROOT}/processes/environment?{urlencode({'name': workload})}"
    )
    return found


def proxy_config(server: Server, proxy: str, part: str) -> Any:
    query = urlencode({"name": proxy, "part": part})
    return request(server, "GET", f"{_ROOT}/proxyconfig?{query}")


def log_lines(server: Server, names: Sequence[str], **options: Any) -> Iterator[str]:
    """As JSON: ``name`` and ``line``. Options are ``lane``, ``access``, ``follow``, ``tailLines``,
    and of access logs ``service``, ``status``, ``path`` and ``header``; what is None is left out,
    and what is a sequence is repeated."""
    given = [
        (key, _text(each))
        for key, value in options.items()
        if value is not None
        for each in (value if isinstance(value, list | tuple) else [value])
    ]
    query = urlencode([*(("name", name) for name in names), *given])
    return lines(server, f"{_ROOT}/processes/log?{query}")


def lane_requests(server: Server) -> Mapping[str, Any]:
    """``items``: a request for each lane, and without one; ``unreachable`` lanes; ``counted``."""
    found: Mapping[str, Any] = request(server, "GET", f"{_ROOT}/lanerequests")
    return found


def full_name(process: Process) -> str:
    """As other commands take it: ``namespace/name`` of a workload, the node id of a proxy."""
    metadata = process["metadata"]
    namespace = metadata.get("namespace")
    return f"{namespace}/{metadata['name']}" if namespace else str(metadata["name"])


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
