"""Requests to the API of a laneway: the client of every command that asks a running one.

The laneway is found by itself where one of this user runs on this machine (``up`` or ``serve``),
and asked through its Unix socket. A data directory names one of several; a context of a kubeconfig
one that is elsewhere, asked over TLS with that context's token.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from laneway.adapters.host.running_servers import running_servers
from laneway.adapters.kube.credentials import Credentials, read
from laneway.adapters.kube.errors import NoCredentials
from laneway.apiserver.virtual_resources import REVISION
from laneway.faces.cli.failures import Failed
from laneway.schema.api_requests import API_VERSION

_PATIENCE = 60
SOCKET = "api.sock"
_GROUP = REVISION.group
_OWN_KINDS = f"/apis/{API_VERSION}/"


class ServerError(Failed):
    """What the server says, or why it cannot be asked. Complete for a terminal.

    ``code`` is that of HTTP, and ``document`` the Status that came with it; 0 and empty where
    nothing was answered.
    """

    def __init__(
        self, message: str, code: int = 0, document: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.document = document or {}


class NotServed(ServerError):
    """The server is a cluster, which does not have one of laneway's own kinds, or does not let the
    user ask for it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 404)


@dataclass(frozen=True, slots=True)
class LocalServer:
    socket: Path

    def __str__(self) -> str:
        return str(self.socket.parent)


@dataclass(frozen=True, slots=True)
class RemoteServer:
    """``context`` is that of the kubeconfig."""

    credentials: Credentials
    context: str

    def __str__(self) -> str:
        return f"context {self.context} at {self.credentials.server}"


Server = LocalServer | RemoteServer


def find_server(
    data: Path | None = None,
    context: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Server:
    """That of the data directory or of the kubeconfig's context, if one is named; else the one
    that runs. Raises ``ServerError`` if none or several do."""
    if context is not None:
        return RemoteServer(_credentials(context, environment), context)
    if data is not None:
        return LocalServer(data / SOCKET)
    try:
        found = running_servers(environment)
    except OSError as error:
        raise ServerError(f"{error.filename}: {error.strerror}") from error
    if not found:
        raise ServerError(
            "no laneway of yours runs on this machine; start one with `laneway up -f FILES` or "
            "`laneway serve`, or name another one by --context"
        )
    if len(found) > 1:
        listed = "\n".join(f"  --data-dir {each.socket.parent}  {each}" for each in found)
        raise ServerError(f"several laneways run on this machine; say which one:\n{listed}")
    return LocalServer(found[0].socket)


def request(
    server: Server | Path,
    method: str,
    path: str,
    body: Any = None,
    content_type: str = "application/json",
    *,
    patience: float = _PATIENCE,
    on_warning: Callable[[str], None] = lambda header: None,
) -> Any:
    """The answer's document. A path is that of a data directory. Raises ``ServerError``.

    ``patience`` is in seconds; ``on_warning`` takes the ``Warning`` headers of the answer.
    """
    if isinstance(server, Path):
        server = LocalServer(server / SOCKET)
    headers = {"accept": "application/json"}
    if body is not None:
        headers["content-type"] = content_type
    connection = _connection(server, headers)
    connection.timeout = patience
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise ServerError(_unreachable(server, error)) from error
    finally:
        connection.close()
    for warning in answer.headers.get_all("warning", ()):
        on_warning(warning)
    return _answered(server, path, answer.status, text)


def _answered(server: Server, path: str, code: int, text: str) -> Any:
    """Raises ``NotServed`` for one of laneway's own kinds that a cluster does not have, or does not
    let the user ask for."""
    if code in (403, 404) and path.startswith(_OWN_KINDS):
        plural = re.split("[/?]", path.removeprefix(_OWN_KINDS))[0]
        served = _own_kinds(server)
        if served is not None and plural not in served:
            hint = "; ask kubectl for pods and their logs" if plural == "processes" else ""
            raise NotServed(
                f"this server has no {plural}: `laneway serve` and `laneway up` have them, and a "
                f"cluster does not{hint}"
            )
        if served is not None and code == 403 and f"{plural}.{_GROUP} is forbidden" in text:
            raise NotServed(_message(text))
    return _document(code, text)


def _own_kinds(server: Server) -> frozenset[str] | None:
    """Those that a cluster has; None for laneway's own server, which has all.

    Kubernetes checks who may see a path before whether it exists. Its lists of groups and of kinds
    are shown to every user.
    """
    try:
        groups = request(server, "GET", "/apis")["groups"]
        if all(group["name"] != _GROUP for group in groups):
            return frozenset()
        kinds = request(server, "GET", f"/apis/{API_VERSION}")["resources"]
    except ServerError:
        return None
    names = frozenset(kind["name"] for kind in kinds)
    return None if REVISION.plural in names else names


def _message(text: str) -> str:
    return str(json.loads(text)["message"])


def lines(server: Server, path: str) -> Iterator[str]:
    """The lines of an answer that is streamed, as they come.

    Raises ``ServerError``: at once if the server refuses, later if the stream breaks.
    """
    headers = {"accept": "application/x-ndjson"}
    connection = _connection(server, headers)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        if answer.status >= 400:
            _answered(server, path, answer.status, answer.read().decode())
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise ServerError(_unreachable(server, error)) from error
    except BaseException:
        connection.close()
        raise
    return _streamed(server, connection, answer)


def _streamed(
    server: Server, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse
) -> Iterator[str]:
    try:
        if connection.sock is not None:
            connection.sock.settimeout(None)  # the next line may take long
        while line := answer.readline():
            yield line.decode().rstrip("\n")
    except (OSError, http.client.HTTPException) as error:
        raise ServerError(_unreachable(server, error)) from error
    finally:
        connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("laneway", timeout=_PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        try:  # by the descriptor, since the path of a socket must be short
            self.sock.connect(f"/proc/self/fd/{folder}/{self._path.name}")
        finally:
            os.close(folder)


def _connection(server: Server, headers: dict[str, str]) -> http.client.HTTPConnection:
    if isinstance(server, LocalServer):
        return _UnixConnection(server.socket)
    credentials = server.credentials
    parts = urlsplit(credentials.server)
    if credentials.tls is None:
        raise ServerError(f"{credentials.server}: a token is sent over https alone")
    try:
        token = credentials.token()
    except NoCredentials as error:
        raise ServerError(str(error)) from error
    if token:
        headers["authorization"] = f"Bearer {token}"
    return http.client.HTTPSConnection(
        parts.hostname or "", parts.port or 443, timeout=_PATIENCE, context=credentials.tls
    )


def _unreachable(server: Server, error: Exception) -> str:
    if isinstance(server, RemoteServer):
        return f"{server.credentials.server} cannot be asked: {error}"
    data = server.socket.parent
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return f"no laneway serves {data}; start one with `laneway serve --data-dir {data}`"
    return f"{server.socket} cannot be asked: {error}"


def _document(code: int, text: str) -> Any:
    try:
        document = json.loads(text)
    except ValueError:
        raise ServerError(f"the server answered {code}, and no JSON", code) from None
    if code >= 400:
        document = document if isinstance(document, dict) else {}
        raise ServerError(document.get("message", f"the server answered {code}"), code, document)
    return document


def _credentials(context: str, environment: Mapping[str, str]) -> Credentials:
    named = environment.get("KUBECONFIG", "").split(os.pathsep)[0]
    path = Path(named) if named else Path(environment.get("HOME", "/"), ".kube/config")
    try:
        return read(path, context)
    except NoCredentials as error:
        raise ServerError(str(error)) from error
