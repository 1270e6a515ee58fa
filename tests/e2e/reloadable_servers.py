"""A ``laneway serve`` over a data directory, as a process that can be reloaded."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

LANEWAY = Path(sys.executable).with_name("laneway")
SOAK_APPLICATION = Path(__file__).with_name("soak_application.py")
V1 = "/apis/laneway.dev/v1alpha1"
_PATIENCE = 120.0
_PYTHON_PATH = tuple(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))

MESH = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entry, namespace: default, annotations: {laneway.dev/listen-ports: "80=0"}}
spec:
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: laneway.dev/v1alpha1
kind: LaneGroup
metadata: {name: test}
spec:
  gateway: entry
  routeHeader: x-lane
  traceHeader: x-lane
  services: [mocka]
  ingress: [{name: all, destination: mocka}]
---
apiVersion: laneway.dev/v1alpha1
kind: Lane
metadata: {name: base}
spec: {group: test, selector: {version: base}}
---
apiVersion: laneway.dev/v1alpha1
kind: Lane
metadata: {name: s1}
spec: {group: test, selector: {version: s1}}
""" + "".join(
    f"""
---
apiVersion: laneway.dev/v1alpha1
kind: Workload
metadata: {{name: mocka-{version}, labels: {{app: mocka, version: {version}}}}}
spec:
  command: ["{sys.executable}", "{SOAK_APPLICATION}"]
  env: {{app: mocka, version: {version}, bind: "127.0.0.1:$(PORT)"}}
  ports: [{{port: 8000}}]
  terminationGracePeriodSeconds: 10
"""
    for version in ("base", "s1")
)


@dataclass
class Reloadable:
    """``config`` is its configuration file. ``log`` is what it writes to standard error."""

    folder: Path
    process: subprocess.Popen[bytes]
    notifications: socket.socket

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def config(self) -> Path:
        return self.folder / "serve.yaml"

    def log(self) -> list[Mapping[str, Any]]:
        lines = (self.folder / "log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def reload(self) -> str:
        """Asks for a reload. Returns the reason if it is refused."""
        self.process.send_signal(signal.SIGHUP)
        assert self.notified().startswith("RELOADING=1\nMONOTONIC_USEC=")
        ready, _, status = self.notified().partition("\n")
        assert ready == "READY=1"
        return "" if status in ("", "STATUS=reloaded") else status

    def notified(self) -> str:
        """What systemd is told next."""
        return self.notifications.recv(10_000).decode()

    def client(self) -> httpx.Client:
        """Has a new connection for each request."""
        transport = httpx.HTTPTransport(
            uds=str(self.data / "api.sock"), limits=httpx.Limits(max_keepalive_connections=0)
        )
        return httpx.Client(transport=transport, base_url="http://laneway", timeout=_PATIENCE)

    def get(self, path: str) -> Any:
        with self.client() as client:
            response = client.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    def processes(self) -> dict[str, dict[str, Any]]:
        """The statuses of proxies and workloads, by name."""
        found = self.get("/apis/api.laneway.dev/v1alpha1/processes")["items"]
        return {each["metadata"]["name"]: each["status"] for each in found}

    def pids(self) -> dict[str, int]:
        return {name: status["pid"] for name, status in self.processes().items()}

    def url(self) -> str:
        """Of the gateway."""
        (gateway,) = (each for name, each in self.processes().items() if name.startswith("router"))
        return f"http://{gateway['ports']['80']}"

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def is_settled(self) -> bool:
        """Whether everything is ready, and every proxy connected and synced."""
        found = self.processes().values()
        ready = all(status["state"] == "Ready" for status in found)
        return ready and all(status.get("synced", True) for status in found)

    def envoy_updates(self) -> dict[str, str]:
        """How often each Envoy took, or rejected, configuration of each kind; by its node id."""
        pids = self.pids()
        return {name: _updates(pid) for name, pid in pids.items() if "~" in name}

    def apply(self, text: str) -> None:
        file = self.folder / "objects.yaml"
        file.write_text(text)
        self.command("apply", "-f", str(file))

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [str(LANEWAY), *words], env=_environment(self.folder), capture_output=True, text=True
        )
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout


def _updates(pid: int) -> str:
    arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    bootstrap = Path(os.fsdecode(arguments[arguments.index(b"--config-path") + 1]))
    admin = json.loads(bootstrap.read_text())["admin"]["address"]["pipe"]["path"]
    with httpx.Client(transport=httpx.HTTPTransport(uds=admin), base_url="http://envoy") as client:
        return client.get("/stats", params={"filter": r"update_(success|rejected)$"}).text


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "XDG_STATE_HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "LANEWAY_DATA_DIR": str(folder / "data"),
        "NOTIFY_SOCKET": str(folder / "notify"),
        # For ``sitecustomize.py``, by which a test installs another version.
        "PYTHONPATH": os.pathsep.join((str(folder / "python"), *_PYTHON_PATH)),
    }


@contextmanager
def reloadable_server(folder: Path) -> Iterator[Reloadable]:
    """With ``MESH``, once everything is ready."""
    for name in ("run", "python"):
        (folder / name).mkdir(mode=0o700)
    (folder / "serve.yaml").write_text("concurrency: 1\nlog-level: info\n")
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications,
        (folder / "log").open("wb") as log,
    ):
        notifications.bind(str(folder / "notify"))
        notifications.settimeout(_PATIENCE)
        process = subprocess.Popen(
            [str(LANEWAY), "serve", "--config", str(folder / "serve.yaml")],
            env=_environment(folder),
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        server = Reloadable(folder, process, notifications)
        try:
            assert server.notified() == "READY=1"
            server.apply(MESH)
            server.until(server.is_settled)
            yield server
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(_PATIENCE)
            shutil.rmtree(folder / "run")
