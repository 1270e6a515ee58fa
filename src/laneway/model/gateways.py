"""Gateways, as Istio's ``networking.istio.io`` ``Gateway`` declares them: where requests enter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.model.names import ObjectName


@dataclass(frozen=True, slots=True)
class GatewayServer:
    """One port of a gateway and the hosts that it serves (``*`` and ``*.example.com`` allowed).

    On one machine ``port`` is the number asked for; ``listen`` (annotation
    ``laneway.dev/listen-ports``, ``{number}={listen}``) fixes another one, and 0 lets the runner
    choose.

    ``tls``: the gateway ends TLS here, or sends requests to where it does. To Istio's gateways
    that is as any other server; laneway's own have no certificates and do not open it.
    """

    port: int
    name: str = ""
    protocol: str = "HTTP"
    hosts: tuple[str, ...] = ("*",)
    listen: int | None = None
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Gateway:
    name: ObjectName
    servers: tuple[GatewayServer, ...]
    selector: Mapping[str, str] = field(default_factory=dict)

    @property
    def plain(self) -> tuple[GatewayServer, ...]:
        """The servers that laneway's own gateways open."""
        return tuple(server for server in self.servers if not server.tls)
