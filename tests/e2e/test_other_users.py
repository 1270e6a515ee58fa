"""What another user of the machine can reach of a mesh that runs: the TCP ports, and no more."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import Run
from tests.e2e.scenarios import SCENARIOS

from laneway.model.placements import Address, Placements
from laneway.wiring.embedded import Embedded

pytestmark = pytest.mark.envoy

MESH = SCENARIOS[1].mesh
GATEWAY = "router~ingressgateway.istio-system"

# Says of each file whether it can be opened, of each socket whether it can be connected to: 0, or
# the error's number. Imports come before the change of user, who may not read Python's own files.
SOMEONE = """
import json, os, socket, sys
asked = json.load(sys.stdin)
os.setgroups([]); os.setgid(65534); os.setuid(65534)

def attempt(action):
    try:
        action()
    except OSError as error:
        return error.errno
    return 0

def connect(address, family=socket.AF_UNIX, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as connection:
        connection.connect(address)

json.dump({
    "files": {path: attempt(lambda: open(path, "rb").close()) for path in asked["files"]},
    "stream": {path: attempt(lambda: connect(path)) for path in asked["sockets"]},
    "datagram": {
        path: attempt(lambda: connect(path, kind=socket.SOCK_DGRAM)) for path in asked["sockets"]
    },
    "tcp": {
        port: attempt(lambda: connect(("127.0.0.1", port), socket.AF_INET))
        for port in asked["ports"]
    },
}, sys.stdout)
"""


@pytest.fixture(params=["private", "asked for, and no umask"])
def run_dir(request: pytest.FixtureRequest) -> Iterator[Path | None]:
    """``None``, and the worst that is not refused: a folder that others can read and enter."""
    if request.param == "private":
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        umask = os.umask(0)
        yield Path(folder)
        os.umask(umask)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
async def test_another_user_reaches_no_socket_and_no_file(run: Run, run_dir: Path | None) -> None:
    async with run(MESH, access_log=True, run_dir=run_dir) as embedded:
        await embedded.restart_proxy(GATEWAY)
        files = [path for path in embedded.run_dir.rglob("*") if path.is_file()]
        sockets = [path for path in embedded.run_dir.rglob("*") if path.is_socket()]
        memory = [shared_memory(path) for path in files if path.name == "base-id"]
        ports = [address.port for address in addresses(embedded.control_plane.placements)]
        # Their folders keep others out as it is; these are for what is in the run directory itself.
        assert [path for path in (*files, *sockets, *memory) if path.stat().st_mode & 0o077] == []
        tried = as_someone(files=[*files, *memory], sockets=sockets, ports=ports)
        # Each Envoy has its admin interface and four sockets for its successor.
        assert len(sockets) >= 1 + 5 * len(embedded.proxies())
        assert {path.name for path in files} >= {"bootstrap.json", "access.log", "base-id", "lock"}
        assert len(memory) == len(embedded.proxies())
    print(f"{len(sockets)} sockets and {len(files) + len(memory)} files, none reached")
    reached = {name: errors for name, errors in tried.items() if 0 in errors.values()}
    assert reached.keys() == {"tcp"}, reached
    assert set(reached["tcp"].values()) == {0}


async def test_nothing_listens_but_what_must(run: Run) -> None:
    """Abstract sockets belong to no folder: every user can connect to them."""
    async with run(MESH) as embedded:
        await embedded.restart_proxy(GATEWAY)
        mine = set[str]()
        for pid in (os.getpid(), *processes(embedded)):
            mine |= inodes(pid)
        names = unix_names(mine)
        assert len(names) >= 1 + 5 * len(embedded.proxies())
        assert [name for name in names if name.startswith("@")] == []
        assert listening(mine) <= addresses(embedded.control_plane.placements)


def as_someone(**asked: list[Any]) -> dict[str, dict[str, int]]:
    answer = subprocess.run(
        [sys.executable, "-c", SOMEONE],
        input=json.dumps(asked, default=str),
        capture_output=True,
        text=True,
        check=True,
    )
    tried: dict[str, dict[str, int]] = json.loads(answer.stdout)
    return tried


def shared_memory(base_id: Path) -> Path:
    return Path(f"/dev/shm/envoy_shared_memory_{base_id.read_text().strip()}0")


def processes(embedded: Embedded) -> Iterator[int]:
    proxies = (embedded.proxy_pid(proxy.node) for proxy in embedded.proxies())
    workloads = (workload.pid for workload in embedded.workloads())
    yield from (pid for pid in (*proxies, *workloads) if pid is not None)


def addresses(placements: Placements) -> set[Address]:
    """All that a mesh may listen on."""
    found = set[Address]()
    for gateway in placements.gateways.values():
        found |= set(gateway.listeners.values())
    for sidecar in placements.sidecars.values():
        found |= {sidecar.outbound, *sidecar.inbound.values(), *sidecar.application.values()}
    return found


def inodes(pid: int) -> set[str]:
    found = set[str]()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed in the meantime
            link = os.readlink(descriptor)
            if link.startswith("socket:["):
                found.add(link[len("socket:[") : -1])
    return found


def unix_names(mine: set[str]) -> list[str]:
    """The names of the Unix sockets with these inodes; abstract ones begin with ``@``."""
    lines = Path("/proc/net/unix").read_text().splitlines()[1:]
    named = (line.split() for line in lines)
    return [words[7] for words in named if len(words) > 7 and words[6] in mine]


def listening(mine: set[str]) -> set[Address]:
    """Where the sockets with these inodes listen, over IPv4 and IPv6."""
    found = set[Address]()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and rest[5] in mine:
                host, port = local.split(":")
                name = "127.0.0.1" if host == "0100007F" else host
                found.add(Address(name, int(port, 16)))
    return found
