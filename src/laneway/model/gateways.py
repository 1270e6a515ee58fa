"""Gateways, as Istio's ``networking.istio.io`` ``Gateway`` declares them: where requests enter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.model.findings import ObjectKey
from laneway.model.hosts import host_covers
from laneway.model.names import ObjectName


@dataclass(frozen=True, slots=True)
class GatewayServer:
    """One port of a gateway and the hosts that it serves (``*`` and ``*.example.com`` allowed).

    On one machine ``port`` is the number asked for; ``listen`` (annotation
    ``laneway.dev/listen-ports``, ``{number}={listen}``) fixes another one, and 0 lets the runner
    choose.

    ``tls``: the gateway terminates TLS here, or redirects to a port where it does. For Istio's
    gateways this makes no difference; laneway's own have no certificates and do not open the port.

    ``namespaces`` are pairs of a host and a namespace whose routes may serve it (Istio's
    ``namespace/host``), for hosts that are not open to all namespaces.
    """

    port: int
    name: str = ""
    protocol: str = "HTTP"
    hosts: tuple[str, ...] = ("*",)
    listen: int | None = None
    tls: bool = False
    namespaces: tuple[tuple[str, str], ...] = ()

    def namespaces_of(self, domain: str) -> tuple[str, ...] | None:
        """The namespaces whose routes may serve a domain, in order; ``None`` for all."""
        hosts = [h for h in self.hosts if host_covers(h, domain) or host_covers(domain, h)]
        limited = [(host, namespace) for host, namespace in self.namespaces if host in hosts]
        if {host for host, _ in limited} != set(hosts):
            return None
        return tuple(dict.fromkeys(namespace for _, namespace in limited))


@dataclass(frozen=True, slots=True)
class Gateway:
    """``assumed_for``: the lane group that it was assumed for, if nobody declared it
    (``machine_defaults``)."""

    name: ObjectName
    servers: tuple[GatewayServer, ...]
    selector: Mapping[str, str] = field(default_factory=dict)
    assumed_for: ObjectKey | None = None

    @property
    def plain(self) -> tuple[GatewayServer, ...]:
        """The servers that laneway's own gateways open."""
        return tuple(server for server in self.servers if not server.tls)
