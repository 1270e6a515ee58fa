"""A name server for tests, which can respond like an attacker's."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from envoy.extensions.network.dns_resolver.cares.v3.cares_dns_resolver_pb2 import (
    CaresDnsResolverConfig,
)

from laneway.compile.envoy import clusters, egress, listeners
from laneway.compile.envoy.clusters import dns_cache
from laneway.compile.envoy.protobuf import extension, socket_address
from laneway.model.placements import Address

_A = 1


@asynccontextmanager
async def name_server(names: Mapping[str, Sequence[str]]) -> AsyncIterator[Address]:
    """Resolves ``names`` to these IPv4 addresses, in this order. Other names do not exist."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _NameServer(names), local_addr=("127.0.0.1", 0)
    )
    try:
        yield Address(*transport.get_extra_info("sockname"))
    finally:
        transport.close()


def use_name_server(patch: pytest.MonkeyPatch, server: Address) -> None:
    """Proxies ask ``server`` and not the machine's.

    The filters are made anew each time: what is kept of them must stay the machine's own.
    """
    config = dns_cache()
    cares = CaresDnsResolverConfig(resolvers=[socket_address(server)])
    config.typed_dns_resolver_config.CopyFrom(extension("envoy.network.dns_resolver.cares", cares))
    for module in (clusters, egress):
        patch.setattr(module, "dns_cache", lambda: config)
    patch.setattr(listeners, "egress_filters", egress.egress_filters.__wrapped__)


class _NameServer(asyncio.DatagramProtocol):
    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self._names = names

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, sender: tuple[str | Any, int]) -> None:
        labels, end = [], 12
        while length := data[end]:
            labels.append(data[end + 1 : end + 1 + length].decode())
            end += 1 + length
        question = data[12 : end + 5]
        known = self._names.get(".".join(labels).lower())
        (kind,) = struct.unpack("!H", data[end + 1 : end + 3])
        addresses = known if known and kind == _A else ()
        code = 0x8180 if known else 0x8183
        head = data[:2] + struct.pack("!HHHHH", code, 1, len(addresses), 0, 0)
        # A pointer to the question's name, an address of the Internet, no time to live.
        answers = (
            struct.pack("!HHHIH", 0xC00C, _A, 1, 0, 4) + socket.inet_aton(each)
            for each in addresses
        )
        self._transport.sendto(head + question + b"".join(answers), sender)
