"""Requests to the API of a laneway that runs on this machine, through its Unix socket."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any

from laneway.faces.cli.failures import Failed


class ServerError(Failed):
    """What the server says, or why it cannot be asked. Complete for a terminal."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("laneway", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def request(data: Path, method: str, path: str, body: Any = None) -> Any:
    """The answer's document. ``data`` is the server's data directory. Raises ``ServerError``."""
    address = data / "api.sock"
    connection = _Connection(address)
    headers = {"content-type": "application/json"} if body is not None else {}
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    except (FileNotFoundError, ConnectionRefusedError):
        raise ServerError(
            f"no laneway serves {data}; start one with `laneway serve --data-dir {data}`"
        ) from None
    except OSError as error:
        raise ServerError(f"{address} cannot be asked: {error}") from error
    finally:
        connection.close()
    document = json.loads(text)
    if answer.status >= 400:
        raise ServerError(document["message"])
    return document
