from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from laneway.adapters.runner.errors import PortUnavailable
from laneway.adapters.runner.ports import Ports
from laneway.model.placements import Address


def listener(port: int = 0) -> socket.socket:
    """As servers make theirs: with SO_REUSEADDR."""
    return socket.create_server(("127.0.0.1", port))


def test_free_ports_differ_and_lie_below_the_ephemeral_range(ports: Ports) -> None:
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    given = [ports.reserve("a").port for _ in range(50)]
    assert len(set(given)) == 50
    if low > 20100:
        assert all(20000 <= port < low for port in given)


def test_a_reserved_port_is_held_until_its_release(ports: Ports) -> None:
    address = ports.reserve("a")
    with pytest.raises(OSError, match="in use"):
        listener(address.port)
    ports.release([address])
    listener(address.port).close()


def test_the_same_chance_does_not_lead_two_to_one_port() -> None:
    one, two = Ports(random.Random(7)), Ports(random.Random(7))
    try:
        assert one.reserve("a") != two.reserve("b")
    finally:
        one.close()
        two.close()


def test_a_port_that_an_application_has_yet_to_bind_is_not_given_to_another_laneway() -> None:
    one, two, three = (Ports(random.Random(7)) for _ in range(3))
    try:
        address = one.reserve("a")
        one.release([address])
        assert two.reserve("b") != address
        one.forget([address])
        assert three.reserve("c") == address
    finally:
        for each in (one, two, three):
            each.close()


def test_a_released_port_is_not_given_out_again_until_forgotten(ports: Ports) -> None:
    address = ports.reserve("workload default/a")
    ports.release([address])
    with pytest.raises(PortUnavailable, match="already given to workload default/a"):
        ports.reserve("workload default/b", address.port)
    ports.forget([address])
    assert ports.reserve("workload default/b", address.port) == address


def test_a_taken_port_names_who_wants_it_and_who_has_it(ports: Ports) -> None:
    with listener() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortUnavailable) as refused:
            ports.reserve("gateway istio-system/ingress", port)
    name = Path("/proc/self/comm").read_text().strip()
    message = str(refused.value)
    assert message.startswith(
        f"gateway istio-system/ingress: port {port} is taken by {name} (process {os.getpid()}, "
    )
    assert f" in {Path.cwd()}, since 20" in message
    assert message.endswith("); stop it, or choose another port")


def test_connections_in_time_wait_do_not_make_a_port_taken(ports: Ports) -> None:
    with listener() as server:
        address = server.getsockname()
        client = socket.create_connection(address)
        served, _ = server.accept()
        served.close()
        client.close()
    assert ports.reserve("a", address[1]) == Address(*address)


def test_a_number_that_is_no_port_is_refused(ports: Ports) -> None:
    with pytest.raises(PortUnavailable, match="port 70000 is not a port"):
        ports.reserve("a", 70000)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_privileged_port_is_explained() -> None:
    code = (
        "import os; from laneway.adapters.runner.ports import Ports\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: Ports().reserve('gateway a/b', 81)\n"
        "except Exception as error: print(error)\n"
    )
    low = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if low <= 81:
        pytest.skip("this system has no privileged ports")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "gateway a/b: port 81 needs privileges" in said.stdout


def reuseport_listener(port: int) -> socket.socket:
    """As Envoy makes one for each of its workers."""
    return socket.create_server(("127.0.0.1", port), reuse_port=True)


def test_a_shared_port_is_open_to_envoy_and_to_nobody_else(ports: Ports) -> None:
    address = ports.reserve("gateway a/b")
    ports.share([address])
    ports.share([address])  # as for a gateway that gets a further port
    refused_to_others(address)
    with reuseport_listener(address.port), reuseport_listener(address.port) as server:
        server.setblocking(False)
        refused_to_others(address)
        for _ in range(50):  # a share of these would get lost if the reservation still listened
            with socket.create_connection((address.host, address.port), 5):
                pass
    refused_to_others(address)  # between two lives of the Envoy
    ports.forget([address])
    listener(address.port).close()


def test_a_port_from_the_kernel_can_be_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the ephemeral range leaves no room for ports of our own choice."""
    monkeypatch.setattr("laneway.adapters.runner.ports._lowest_ephemeral", lambda: 1024)
    ports = Ports()
    address = ports.reserve("gateway a/b")
    ports.share([address])
    refused_to_others(address)
    ports.close()


def refused_to_others(address: Address) -> None:
    with pytest.raises(OSError, match="in use"):
        listener(address.port)
    with pytest.raises(PortUnavailable):
        Ports().reserve("gateway a/b", address.port)


# Says whether it got the port, waits until all have tried, and tries to serve it as Envoy does.
RACER = """
import socket, sys
from laneway.adapters.runner.ports import Ports
from laneway.model.placements import Address
port = int(sys.argv[1])
for line in sys.stdin:
    ports = Ports()
    try:
        ports.share([ports.reserve("Gateway a/b", port)])
        print("won", flush=True)
        with socket.create_server(("127.0.0.1", port), reuse_port=True):
            sys.stdin.readline()
    except Exception as error:
        print(error, flush=True)
        sys.stdin.readline()
    ports.close()
    print("closed", flush=True)
"""


def test_of_several_that_start_together_one_wins_and_is_named_by_the_others(tmp_path: Path) -> None:
    with listener() as free:
        port = free.getsockname()[1]
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        for _ in range(4)
    ]
    try:
        for _ in range(50):
            said = [line.strip() for line in answers(racers)]
            (winner,) = (r for r, line in zip(racers, said, strict=True) if line == "won")
            for line in said:
                if line != "won":
                    assert line.startswith(f"Gateway a/b: port {port} is taken by ")
                    assert f" (process {winner.pid}, " in line
                    assert f" in {tmp_path}, since 20" in line
            assert set(answers(racers)) == {"closed\n"}
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()


def answers(racers: list[subprocess.Popen[str]]) -> list[str]:
    """What each says after one more line of input, given to all at once."""
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    return [racer.stdout.readline() for racer in racers if racer.stdout is not None]
