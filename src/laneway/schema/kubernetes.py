"""Kubernetes' core ``v1/Service``, read as it is: laneway needs its selector and its ports."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from laneway.model.findings import Finding
from laneway.model.services import Service, ServicePort
from laneway.schema.fields import (
    Object,
    Opaque,
    Port,
    PortName,
    PortReference,
    Shape,
)
from laneway.schema.kind import Built, Kind, not_honoured, repeated


class ServicePortSpec(Shape):
    name: PortName = ""
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"
    app_protocol: str = ""
    port: Port
    target_port: PortReference = 0
    node_port: Opaque = None


class ServiceSpec(Shape):
    """All fields of Kubernetes' ServiceSpec, so that a misspelt one is told from an unused one."""

    ports: list[ServicePortSpec] = []
    selector: dict[str, str] = {}
    type: Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] = "ClusterIP"
    allocate_load_balancer_node_ports: Opaque = None
    cluster_ip: Opaque = Field(None, alias="clusterIP")
    cluster_ips: Opaque = Field(None, alias="clusterIPs")
    external_ips: Opaque = Field(None, alias="externalIPs")
    external_name: Opaque = None
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
    spec: ServiceSpec


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
    if not ports:
        what = "a Service without TCP ports"
        findings.append(not_honoured(path, "the Service is left out", what))
        return None, findings
    tcp = [port if port.protocol == "TCP" else None for port in document.spec.ports]
    findings += repeated([port.port if port else 0 for port in tcp], path, "port")
    findings += repeated([port.name for port in document.spec.ports], path, "name")
    name = document.metadata.object_name
    return Service(name, tuple(ports), document.spec.selector), findings


KINDS = (Kind("", ("v1",), "Service", ServiceObject, Service, _build, nulls=True),)
