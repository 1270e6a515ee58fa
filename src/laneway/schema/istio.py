"""Istio's ``networking.istio.io`` ``Gateway``, read as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from laneway.model.codes import Code
from laneway.model.findings import Finding, Path, Severity
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.names import is_label
from laneway.schema.annotations import LISTEN_PORTS, listen_ports
from laneway.schema.field_metadata import About, Constraint
from laneway.schema.fields import Opaque, Port, Shape, Subdomain, Text, domain, shown, wrong
from laneway.schema.kind import Built, Kind, Written, not_honoured
from laneway.schema.objects import Metadata, Object

_HTTP = ("HTTP", "HTTP2", "GRPC")
_PASSING = ("PASSTHROUGH", "AUTO_PASSTHROUGH")


def _served_host(text: str) -> str:
    """As Istio: a namespace, ``.`` or ``*`` may come before the host, with one slash."""
    namespace, slash, host = text.rpartition("/")
    if "://" in text:
        host = text  # which is an error
    elif slash and namespace not in (".", "*") and not is_label(namespace):
        raise wrong(
            f"`{shown(text)}` does not begin with the name of a namespace",
            "write namespace/host, ./host for the gateway's own namespace, or the host alone",
        )
    domain(host)
    return text


ServedHost = Annotated[
    str,
    AfterValidator(_served_host),
    Constraint(
        "a domain, `*.domain` or `*`, perhaps after a namespace, `.` or `*`, and `/`",
        "域名、`*.域名` 或 `*`，前面可加命名空间、`.` 或 `*` 以及 `/`",
    ),
]


class GatewayPort(Shape):
    name: Annotated[Text, About("The port's name.", "端口名称。", "http")] = ""
    number: Annotated[Port, About("The port's number.", "端口号。", 80)]
    protocol: Annotated[
        Literal["HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "MONGO", "TCP", "TLS"],
        About(
            "Servers that see no HTTP requests are left out, with a warning.",
            "看不到 HTTP 请求的端口会被忽略，并给出警告。",
            "HTTP",
        ),
    ]
    target_port: Opaque = None


class TlsSettings(Shape):
    """What decides whether a gateway sees requests; Istio passes TLS through unless told."""

    mode: Annotated[
        Literal[
            "PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"
        ],
        About(
            "Whether the gateway ends TLS. A server that passes TLS through is left out.",
            "网关是否终止 TLS。透传 TLS 的端口会被忽略。",
            "SIMPLE",
        ),
    ] = "PASSTHROUGH"
    https_redirect: Annotated[
        bool, About("Whether requests are sent to HTTPS.", "是否重定向到 HTTPS。", True)
    ] = False
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
    about = About(
        "A port of the gateway.",
        "网关的一个端口。",
        {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]},
    )

    port: Annotated[
        GatewayPort,
        About("Where the server listens.", "监听的端口。", {"number": 80, "protocol": "HTTP"}),
    ]
    hosts: Annotated[
        Annotated[list[ServedHost], Field(min_length=1)],
        About(
            "The hosts that are served, perhaps after the namespace whose routes may serve them "
            "(`ns/host`; `.` is the gateway's own, `*` all). Routes for Istio are written there.",
            "服务的域名，前面可写明允许为其提供路由的命名空间（`ns/host`；`.` 为网关自身，"
            "`*` 为全部）。为 Istio 生成的路由会写入该命名空间。",
            ["*.shop.test"],
        ),
    ]
    name: Opaque = None
    bind: Opaque = None
    default_endpoint: Opaque = None
    tls: Annotated[
        TlsSettings | None, About("How TLS is handled.", "TLS 的处理方式。", {"mode": "SIMPLE"})
    ] = None


Servers = Annotated[list[Server], Field(min_length=1)]


class GatewaySpec(Shape):
    selector: Annotated[
        dict[Text, Text],
        About("Labels of the gateway's pods.", "网关 Pod 的标签。", {"istio": "ingressgateway"}),
    ] = {}
    servers: Annotated[
        Servers,
        About(
            "The ports where requests enter.",
            "请求进入的端口。",
            [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
        ),
    ]


class GatewayMetadata(Metadata):
    name: Annotated[Subdomain, About("The Gateway's name.", "Gateway 的名称。", "ingressgateway")]
    annotations: Annotated[
        dict[Text, Text],
        About(
            "`laneway.dev/listen-ports` fixes the ports of this machine where servers listen, as "
            "`80=18080,81=0`; 0 lets laneway choose.",
            "`laneway.dev/listen-ports` 指定各端口在本机的监听端口，写作 `80=18080,81=0`；"
            "0 表示由 laneway 选择。",
            {"laneway.dev/listen-ports": "80=18080"},
        ),
    ] = {}


class GatewayObject(Object):
    metadata: Annotated[
        GatewayMetadata,
        About("Name and namespace.", "名称和命名空间。", {"name": "ingressgateway"}),
    ]
    spec: Annotated[
        GatewaySpec,
        About(
            "Where requests enter the mesh.",
            "请求进入网格的位置。",
            {"servers": [{"port": {"number": 80, "protocol": "HTTP"}, "hosts": ["*"]}]},
        ),
    ]


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
        hosts = [_limited(host, document.metadata.namespace) for host in server.hosts]
        merged = servers.get(number)
        if merged is not None:
            hosts = [*_with_namespaces(merged), *hosts]
        servers[number] = GatewayServer(
            number,
            server.port.name if merged is None else merged.name,
            protocol,
            hosts=tuple(dict.fromkeys(host for host, _ in hosts)),
            listen=listens.get(number),
            tls=server.tls is not None,
            namespaces=_namespaces(hosts),
        )
    gateway = Gateway(
        document.metadata.object_name, tuple(servers.values()), document.spec.selector
    )
    return gateway, findings


def _limited(text: str, own: str) -> tuple[str, str | None]:
    """A host, and the namespace whose routes may serve it; ``None`` for all."""
    namespace, slash, host = text.rpartition("/")
    open_to_all = not slash or namespace == "*"
    return host.lower(), None if open_to_all else own if namespace == "." else namespace


def _with_namespaces(server: GatewayServer) -> list[tuple[str, str | None]]:
    """What ``_limited`` says of the server's hosts."""
    found: list[tuple[str, str | None]] = []
    for host in server.hosts:
        limited = [(host, namespace) for each, namespace in server.namespaces if each == host]
        found += limited or [(host, None)]
    return found


def _namespaces(hosts: Sequence[tuple[str, str | None]]) -> tuple[tuple[str, str], ...]:
    """By host, without the hosts that are open to all at another place."""
    order = list(dict.fromkeys(host for host, _ in hosts))
    open_to_all = {host for host, namespace in hosts if namespace is None}
    limited = [(h, n) for h, n in hosts if n is not None and h not in open_to_all]
    return tuple(sorted(dict.fromkeys(limited), key=lambda pair: order.index(pair[0])))


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
    declared = {server.port.number for server in document.spec.servers}
    return listen_ports(document.metadata.annotations, declared, "this gateway")


def _write(gateway: Gateway) -> Written:
    listens = [f"{s.port}={s.listen}" for s in gateway.servers if s.listen is not None]
    metadata = GatewayMetadata.of(
        name=gateway.name.name,
        namespace=gateway.name.namespace,
        annotations={LISTEN_PORTS: ",".join(listens)} if listens else None,
    )
    return metadata, GatewaySpec.of(
        selector=dict(gateway.selector) or None,
        servers=[_written_server(server) for server in gateway.servers] or [_NONE_THAT_IS_READ],
    )


#: For a gateway of which all servers were left out: a document needs one. It is left out as well.
_NONE_THAT_IS_READ = Server.of(
    port=GatewayPort.of(number=1, name="none", protocol="TCP"), hosts=["*"]
)


def _written_server(server: GatewayServer) -> Server:
    """Without its certificates, which laneway does not read."""
    tls = None
    if server.tls:
        ends = server.protocol == "HTTPS"
        tls = TlsSettings.of(mode="SIMPLE") if ends else TlsSettings.of(https_redirect=True)
    port = GatewayPort.of(number=server.port, name=server.name, protocol=server.protocol)
    limited = _with_namespaces(server)
    hosts = [host if namespace is None else f"{namespace}/{host}" for host, namespace in limited]
    return Server.of(port=port, hosts=hosts, tls=tls)


KINDS = (
    Kind(
        "networking.istio.io",
        ("v1", "v1beta1", "v1alpha3"),
        "Gateway",
        GatewayObject,
        Gateway,
        _build,
        _write,
        nulls=True,
    ),
)
