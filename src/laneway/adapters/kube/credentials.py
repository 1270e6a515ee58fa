"""The API server's address and credentials, from a pod's service account or a kubeconfig."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from laneway.adapters.kube.errors import NoCredentials

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def _nobody() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """``token`` is asked for each request, since tokens are renewed; "" where there is none.
    ``unidentified`` trusts the same server as ``tls``, and shows it no client certificate."""

    server: str
    tls: ssl.SSLContext | None = None
    token: Callable[[], str] = _nobody
    unidentified: ssl.SSLContext | None = None


def find(environment: Mapping[str, str] = os.environ, account: Path = _ACCOUNT) -> Credentials:
    """A kubeconfig named by ``KUBECONFIG``, else the pod's own account, else ``~/.kube/config``."""
    if environment.get("KUBECONFIG"):
        return read(Path(environment["KUBECONFIG"].split(os.pathsep)[0]))
    if environment.get("KUBERNETES_SERVICE_HOST"):
        return in_cluster(environment, account)
    home = Path(environment.get("HOME", "/")) / ".kube" / "config"
    if home.is_file():
        return read(home)
    raise NoCredentials(
        "no API server to talk to: set KUBECONFIG, or run in a pod with a service account"
    )


def in_cluster(environment: Mapping[str, str], account: Path = _ACCOUNT) -> Credentials:
    """The token's file is read anew each time: the kubelet replaces it."""
    token = account / "token"
    if not token.is_file():
        raise NoCredentials(f"{token} is missing: let the pod mount its service account's token")
    host = environment["KUBERNETES_SERVICE_HOST"]
    host = f"[{host}]" if ":" in host else host
    server = f"https://{host}:{environment.get('KUBERNETES_SERVICE_PORT', '443')}"
    tls, unidentified = (
        ssl.create_default_context(cafile=str(account / "ca.crt")) for _ in range(2)
    )
    return Credentials(server, tls, lambda: token.read_text().strip(), unidentified)


def read(path: Path, name: str | None = None) -> Credentials:
    """A context of a kubeconfig, by default the current one: certificates, tokens, token files and
    exec plugins."""
    try:
        config = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise NoCredentials(f"the kubeconfig {path} cannot be read: {why}") from error
    if not isinstance(config, dict):
        raise NoCredentials(f"the kubeconfig {path} is empty, or no kubeconfig")
    context = _named(config, "contexts", "context", name or config.get("current-context"), path)
    cluster = _named(config, "clusters", "cluster", context.get("cluster"), path)
    user = _named(config, "users", "user", context.get("user"), path)
    server = str(cluster["server"]).rstrip("/")
    tls = unidentified = None
    if server.startswith("https:"):
        tls, unidentified = (_tls(cluster, each, path.parent) for each in (user, {}))
    return Credentials(server, tls, _token(user, path.parent), unidentified)


def _named(config: Any, plural: str, singular: str, name: Any, path: Path) -> dict[str, Any]:
    for item in config.get(plural) or ():
        if item.get("name") == name:
            return item.get(singular) or {}
    raise NoCredentials(f"the kubeconfig {path} has no {singular} `{name}`")


def _tls(cluster: dict[str, Any], user: dict[str, Any], folder: Path) -> ssl.SSLContext:
    authority = _data(cluster, "certificate-authority", folder)
    tls = ssl.create_default_context(cadata=authority.decode() if authority else None)
    if cluster.get("insecure-skip-tls-verify"):
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    certificate, key = (_data(user, f"client-{part}", folder) for part in ("certificate", "key"))
    if certificate and key:
        # OpenSSL reads a certificate chain and its key from a file only.
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(certificate + b"\n" + key)
            file.flush()
            tls.load_cert_chain(file.name)
    return tls


def _data(section: dict[str, Any], name: str, folder: Path) -> bytes:
    if data := section.get(f"{name}-data"):
        return base64.b64decode(data)
    if file := section.get(name):
        return Path(folder, file).read_bytes()
    return b""


def _token(user: dict[str, Any], folder: Path) -> Callable[[], str]:
    if file := user.get("tokenFile"):
        return lambda: (folder / file).read_text().strip()
    if plugin := user.get("exec"):
        return _Plugin(plugin)
    return lambda: str(user.get("token", ""))


class _Plugin:
    """A program that prints a token; it is kept for a minute, since each request needs it."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._command = [settings["command"], *(settings.get("args") or ())]
        self._environment = {item["name"]: item["value"] for item in settings.get("env") or ()}
        self._token = ""
        self._until = 0.0

    def __call__(self) -> str:
        if time.monotonic() >= self._until:
            self._token, self._until = self._run(), time.monotonic() + 60
        return self._token

    def _run(self) -> str:
        environment = {**os.environ, **self._environment}
        try:
            done = subprocess.run(
                self._command, env=environment, capture_output=True, check=True, timeout=30
            )
            return str(json.loads(done.stdout)["status"]["token"])
        except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
            message = f"the credentials plugin {self._command[0]} gave no token: {error}"
            raise NoCredentials(message) from error
