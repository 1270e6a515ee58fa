"""Istio's ``networking.istio.io`` ``Gateway``, read as it is."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from laneway.model.codes import Code
from laneway.model.findings import Finding, Path, Severity
from laneway.model.gateways import Gateway, GatewayServer
from laneway.schema.fields import Metadata, Object, Opaque, Port, Shape, Subdomain
from laneway.schema.kind import Built, Kind, not_honoured

#: The annotation that fixes the port a gateway's server listens at on this machine:
#: ``80=18080,81=0``; 0 lets the runner choose.
LISTEN_PORTS = "laneway.dev/listen-ports"

_HTTP = ("HTTP", "HTTP2", "GRPC")
_PASSING = ("PASSTHROUGH", "AUTO_PASSTHROUGH")


class GatewayPort(Shape):
    name: str = ""
    number: Port
    protocol: Literal["HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "MONGO", "TCP", "TLS"]
    target_port: Opaque = None


class TlsSettings(Shape):
    """What decides whether a gateway sees requests; Istio passes TLS through unless told."""

    mode: Literal[
        "PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"
    ] = "PASSTHROUGH"
    https_redirect: bool = False
    server_certificate: Opaque = None
    private_key: Opaque = None
    ca_certificates: Opaque = None
    ca_crl: Opaque = None
    subject_alt_names: Opaque = None
    credential_name: Opaque = None
    credential_names: Opaque = None
    ca_cert_credential_name: Opaque = None
    tls_certificates: Opaque = None
    verify_certificate_spki: Opaque = None
    verify_certificate_hash: Opaque = None
    min_protocol_version: Opaque = None
    max_protocol_version: Opaque = None
    cipher_suites: Opaque = None


class Server(Shape):
    port: GatewayPort
    hosts: Annotated[list[str], Field(min_length=1)]
    name: Opaque = None
    bind: Opaque = None
    default_endpoint: Opaque = None
    tls: TlsSettings | None = None


class GatewaySpec(Shape):
    selector: dict[str, str] = {}
    servers: Annotated[list[Server], Field(min_length=1)]


class GatewayMetadata(Metadata):
    name: Subdomain


class GatewayObject(Object):
    metadata: GatewayMetadata
    spec: GatewaySpec


def _build(document: GatewayObject) -> Built:
    """Servers of one port are merged, as one listener serves them."""
    listens, findings = _listen_ports(document)
    servers: dict[int, GatewayServer] = {}
    for index, server in enumerate(document.spec.servers):
        number, protocol = server.port.number, server.port.protocol
        left_out = _left_out(server, ("spec", "servers", index))
        if left_out is not None:
            findings.append(left_out)
            continue
        hosts = tuple(host.rpartition("/")[2].lower() for host in server.hosts)
        merged = servers.get(number)
        if merged is not None:
            hosts = tuple(dict.fromkeys((*merged.hosts, *hosts)))
        name = server.port.name if merged is None else merged.name
        listen, tls = listens.get(number), server.tls is not None
        servers[number] = GatewayServer(number, name, protocol, hosts, listen, tls)
    gateway = Gateway(
        document.metadata.object_name, tuple(servers.values()), document.spec.selector
    )
    return gateway, findings


def _left_out(server: Server, path: Path) -> Finding | None:
    """Why no lane can be chosen at a server: it sees no HTTP requests there."""
    tls, protocol = server.tls, server.port.protocol
    instead = f"the server of port {server.port.number} is left out"
    if protocol == "HTTPS" and (tls is None or tls.mode in _PASSING):
        message = f"TLS passes through port {server.port.number}, so no lane can be chosen there"
        fix = "end TLS at the gateway (tls.mode: SIMPLE or MUTUAL); till then it is left out"
        where = (*path, "tls", "mode")
        return Finding(Code.TLS_PASSES_THROUGH, message, fix, path=where, severity=Severity.WARNING)
    if protocol in _HTTP and tls is not None and not tls.https_redirect:
        return not_honoured((*path, "tls"), instead, f"TLS with the protocol {protocol}")
    if protocol not in (*_HTTP, "HTTPS"):
        what = f"the protocol {protocol} at a gateway"
        return not_honoured((*path, "port", "protocol"), instead, what)
    return None


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
