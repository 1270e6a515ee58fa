"""``laneway token`` and ``laneway kubeconfig``: access to the API for people and pipelines."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import Any

from laneway.faces.cli.server_requests import Server, ServerError, request
from laneway.faces.cli.terminals import listing, output
from laneway.schema.yaml_text import dump_all

_TOKENS = "/apis/api.laneway.dev/v1alpha1/tokens"
_SERVER = "/apis/api.laneway.dev/v1alpha1/server"
_DAY = 86_400


def create(server: Server, name: str, scopes: Sequence[str], days: int) -> int:
    """Prints the token, and nothing else, so that a script can keep it."""
    print(_create(server, name, scopes, days)["status"]["token"])
    return 0


def _create(server: Server, name: str, scopes: Sequence[str], days: int) -> Any:
    spec = {"name": name, "scopes": list(scopes), "expirationSeconds": days * _DAY}
    return request(server, "POST", _TOKENS, {"spec": spec})


def show(server: Server) -> int:
    table = listing("Token", "Name", "Scopes", "Created", "Expires")
    for token in request(server, "GET", _TOKENS)["items"]:
        table.add_row(
            token["metadata"]["name"],
            token["spec"]["name"],
            " ".join(token["spec"]["scopes"]),
            token["metadata"]["creationTimestamp"],
            token["status"]["expirationTimestamp"],
        )
    output().print(table)
    return 0


def revoke(server: Server, number: str) -> int:
    request(server, "DELETE", f"{_TOKENS}/{number}")
    output().print(f"token {number} revoked")
    return 0


def kubeconfig(server: Server, name: str, scopes: Sequence[str], days: int) -> int:
    """Prints a kubeconfig with a token of its own."""
    described = request(server, "GET", _SERVER)
    if not described["address"]:
        raise ServerError(
            "this laneway listens on its Unix socket alone, and kubectl needs TCP; "
            "start it with `laneway serve --listen 127.0.0.1:7443`, or `laneway up` with "
            "--api-listen 127.0.0.1:7443"
        )
    token = _create(server, name, scopes, days)["status"]["token"]
    cluster: dict[str, Any] = {"server": described["address"]}
    if authority := described["certificateAuthority"]:
        encoded = base64.b64encode(authority.encode()).decode()
        cluster["certificate-authority-data"] = encoded
    context = {"cluster": "laneway", "user": name, "namespace": "default"}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "laneway", "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": "laneway", "context": context}],
        "current-context": "laneway",
    }
    print(dump_all([document]), end="")
    return 0


def user_name() -> str:
    return os.environ.get("USER") or f"user-{os.geteuid()}"
