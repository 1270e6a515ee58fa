from __future__ import annotations

import pytest

from laneway.adapters.xds.addresses import check_address


@pytest.mark.parametrize(
    "address", ["127.0.0.1:0", "127.8.8.8:18000", "[::1]:0", "unix:/run/laneway/xds.sock"]
)
def test_this_machine(address: str) -> None:
    assert check_address(address) == address


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:1", "10.0.0.1:5", "localhost:0"])
def test_another_machine_or_a_name(address: str) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1:PORT.*unix:/PATH"):
        check_address(address)


@pytest.mark.parametrize("address", ["", "18000", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536"])
def test_no_address(address: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT or unix:/PATH"):
        check_address(address)


def test_a_relative_socket() -> None:
    with pytest.raises(ValueError, match="absolute"):
        check_address("unix:xds.sock")


def test_a_path_too_long_for_a_socket() -> None:
    assert check_address("unix:/" + "a" * 106)
    with pytest.raises(ValueError, match="107 bytes"):
        check_address("unix:/" + "a" * 107)
