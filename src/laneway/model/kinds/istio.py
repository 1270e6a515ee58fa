"""Istio's ``networking.istio.io`` ``Gateway``, read as it is."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from laneway.model.codes import Code
from laneway.model.findings import Finding, Path
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.kinds.fields import Metadata, Object, Opaque, Port, Shape, Subdomain
from laneway.model.kinds.kind import Built, Kind, not_honoured

#: The annotation that fixes the port a gateway's server listens at on this machine:
#: ``80=18080,81=0``; 0 lets the runner choose.
LISTEN_PORTS = "laneway.dev/listen-ports"

_HTTP = ("HTTP", "HTTP2", "GRPC")


class GatewayPort(Shape):
    name: str = ""
    number: Port
    protocol: Literal["HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "MONGO", "TCP", "TLS"]
    target_port: Opaque = None


class Server(Shape):
    port: GatewayPort
    hosts: Annotated[list[str], Field(min_length=1)]
    name: Opaque = None
    bind: Opaque = None
    default_endpoint: Opaque = None
    tls: Opaque = None


class GatewaySpec(Shape):
    selector: dict[str, str] = {}
    servers: Annotated[list[Server], Field(min_length=1)]


class GatewayMetadata(Metadata):
    name: Subdomain


class GatewayObject(Object):
    metadata: GatewayMetadata
    spec: GatewaySpec


def _build(document: GatewayObject) -> Built:
    """Servers of one port are merged, as one listener serves them; those that do TLS left out."""
    listens, findings = _listen_ports(document)
    servers: dict[int, GatewayServer] = {}
    for index, server in enumerate(document.spec.servers):
        path: Path = ("spec", "servers", index)
        number, protocol = server.port.number, server.port.protocol
        if server.tls or protocol not in _HTTP:
            where = (*path, "tls") if server.tls else (*path, "port", "protocol")
            what = "TLS at a gateway" if server.tls else f"the protocol {protocol} at a gateway"
            findings.append(not_honoured(where, f"the server of port {number} is left out", what))
            continue
        hosts = tuple(host.rpartition("/")[2].lower() for host in server.hosts)
        merged = servers.get(number)
        if merged is not None:
            hosts = tuple(dict.fromkeys((*merged.hosts, *hosts)))
        name = server.port.name if merged is None else merged.name
        servers[number] = GatewayServer(number, name, protocol, hosts, listens.get(number))
    gateway = Gateway(
        document.metadata.object_name, tuple(servers.values()), document.spec.selector
    )
    return gateway, findings


def _listen_ports(document: GatewayObject) -> tuple[dict[int, int], list[Finding]]:
    text = document.metadata.annotations.get(LISTEN_PORTS, "")
    path = ("metadata", "annotations", LISTEN_PORTS)
    declared = {server.port.number for server in document.spec.servers}
    listens: dict[int, int] = {}
    findings = []
    for part in filter(None, re.split(r"[\s,]+", text)):
        match = re.fullmatch(r"([0-9]{1,5})=([0-9]{1,5})", part)
        if not match or int(match[2]) > 65535:
            message, fix = f"`{part}` fixes no port", "write port=listen pairs, as in 80=18080"
            findings.append(Finding(Code.INVALID_VALUE, message, fix, path=path))
        elif int(match[1]) not in declared:
            fix = f"its ports: {', '.join(map(str, sorted(declared)))}"
            message = f"no server of this gateway has port {match[1]}"
            findings.append(Finding(Code.UNKNOWN_PORT, message, fix, path=path))
        else:
            listens[int(match[1])] = int(match[2])
    return listens, findings


KINDS = (
    Kind(
        "networking.istio.io",
        ("v1", "v1beta1", "v1alpha3"),
        "Gateway",
        GatewayObject,
        Gateway,
        _build,
        nulls=True,
    ),
)
