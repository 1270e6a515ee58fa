"""Kubernetes' core ``v1/Service``, read as it is: laneway needs its selector and its ports."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from laneway.model.findings import Finding
from laneway.model.services import Service, ServicePort
from laneway.schema.field_metadata import About
from laneway.schema.fields import (
    Opaque,
    Port,
    PortName,
    PortReference,
    Shape,
    Text,
)
from laneway.schema.kind import Built, Kind, Written, not_honoured, repeated
from laneway.schema.objects import Metadata, Object

_HEADLESS = "None"


class ServicePortSpec(Shape):
    about = About("A port of the Service.", "Service 的一个端口。", {"port": 8000})

    name: Annotated[PortName, About("The port's name.", "端口名称。", "http")] = ""
    protocol: Annotated[
        Literal["TCP", "UDP", "SCTP"],
        About(
            "Ports of other protocols than TCP are left out, with a warning.",
            "非 TCP 端口会被忽略，并给出警告。",
            "TCP",
        ),
    ] = "TCP"
    app_protocol: Annotated[
        Text,
        About(
            "The application's protocol; Services that are rendered have it too.",
            "应用层协议；生成的 Service 会保留该字段。",
            "http",
        ),
    ] = ""
    port: Annotated[Port, About("The port that callers use.", "调用方使用的端口。", 8000)]
    target_port: Annotated[
        PortReference,
        About(
            "The workloads' port; `port`, if not given.",
            "工作负载的端口；不填则为 `port`。",
            "http",
        ),
    ] = 0
    node_port: Opaque = None


class ServiceSpec(Shape):
    """All fields of Kubernetes' ServiceSpec, to distinguish misspelt fields from unused ones."""

    ports: Annotated[
        list[ServicePortSpec],
        About(
            "Ports; a Service without TCP ports is left out.",
            "端口；没有 TCP 端口的 Service 会被忽略。",
            [{"port": 8000}],
        ),
    ] = []
    selector: Annotated[
        dict[Text, Text],
        About("Labels of the Service's workloads.", "Service 的工作负载的标签。", {"app": "mocka"}),
    ] = {}
    type: Annotated[
        Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"],
        About(
            "A Service of type `ExternalName` has no lanes; other types are all the same.",
            "`ExternalName` 类型的 Service 没有泳道；其他类型没有区别。",
            "ClusterIP",
        ),
    ] = "ClusterIP"
    allocate_load_balancer_node_ports: Opaque = None
    cluster_ip: Annotated[
        Text,
        About(
            "`None` makes the Service headless; other addresses are not used.",
            "`None` 表示无头（headless）Service；其他地址不使用。",
            "None",
        ),
    ] = Field("", alias="clusterIP")
    cluster_ips: Opaque = Field(None, alias="clusterIPs")
    external_ips: Opaque = Field(None, alias="externalIPs")
    external_name: Annotated[
        Text,
        About(
            "The host that a Service of type `ExternalName` stands for.",
            "`ExternalName` 类型的 Service 所指向的主机名。",
            "cart.example.com",
        ),
    ] = ""
    external_traffic_policy: Opaque = None
    health_check_node_port: Opaque = None
    internal_traffic_policy: Opaque = None
    ip_families: Opaque = None
    ip_family_policy: Opaque = None
    load_balancer_class: Opaque = None
    load_balancer_ip: Opaque = Field(None, alias="loadBalancerIP")
    load_balancer_source_ranges: Opaque = None
    publish_not_ready_addresses: Opaque = None
    session_affinity: Opaque = None
    session_affinity_config: Opaque = None
    traffic_distribution: Opaque = None


class ServiceObject(Object):
    metadata: Annotated[
        Metadata, About("Name and namespace.", "名称和命名空间。", {"name": "mocka"})
    ]
    spec: Annotated[
        ServiceSpec,
        About(
            "A host, and who serves it.", "主机名及其背后的工作负载。", {"ports": [{"port": 8000}]}
        ),
    ]


def _build(document: ServiceObject) -> Built:
    """Lanes are about HTTP, hence TCP: other ports are left out, each with a warning."""
    path = ("spec", "ports")
    findings: list[Finding] = []
    ports: list[ServicePort] = []
    for index, port in enumerate(document.spec.ports):
        if port.protocol == "TCP":
            ports.append(ServicePort(port.port, port.name, port.target_port, port.app_protocol))
        else:
            where = (*path, index, "protocol")
            what = f"the protocol {port.protocol}"
            findings.append(not_honoured(where, f"port {port.port} is left out", what))
    spec = document.spec
    is_external = spec.type == "ExternalName"
    if not ports:
        what = "a Service of type ExternalName" if is_external else "a Service without TCP ports"
        instead = "the Service is left out: no lane group can contain it"
        findings.append(not_honoured(path, instead, what))
        return None, findings
    tcp = [port if port.protocol == "TCP" else None for port in document.spec.ports]
    findings += repeated([port.port if port else 0 for port in tcp], path, "port")
    findings += repeated([port.name for port in document.spec.ports], path, "name")
    service = Service(
        document.metadata.object_name,
        tuple(ports),
        # Kubernetes ignores the selector of a Service that stands for another host.
        {} if is_external else spec.selector,
        headless=spec.cluster_ip == _HEADLESS,
        external_name=spec.external_name if is_external else "",
    )
    return service, findings


def _write(service: Service) -> Written:
    metadata = Metadata.of(name=service.name.name, namespace=service.name.namespace)
    return metadata, ServiceSpec.of(
        ports=[
            ServicePortSpec.of(
                name=port.name or None,
                app_protocol=port.app_protocol or None,
                port=port.port,
                target_port=port.target or None,
            )
            for port in service.ports
        ],
        selector=dict(service.selector) or None,
        cluster_ip=_HEADLESS if service.headless else None,
        type="ExternalName" if service.external_name else None,
        external_name=service.external_name or None,
    )


KINDS = (Kind("", ("v1",), "Service", ServiceObject, Service, _build, _write, nulls=True),)
