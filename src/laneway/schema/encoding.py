"""The way back: declared objects -> documents, of laneway's own kinds where it has one.

What a store keeps and what a conversion from another dialect prints.
"""

from __future__ import annotations

from typing import Any

from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.keys import Declared
from laneway.model.lanes import IngressRule, Lane, LaneGroup
from laneway.model.matches import StringMatch
from laneway.model.names import ObjectName
from laneway.model.services import Service
from laneway.model.workloads import ReadinessProbe, Workload
from laneway.schema.istio import LISTEN_PORTS

OWN = "laneway.dev/v1alpha1"
ISTIO = "networking.istio.io/v1"


def encode(declared: Declared) -> dict[str, Any]:
    """The document that declares exactly this: ``decode`` reads it back equal."""
    match declared:
        case LaneGroup():
            return _document(OWN, "LaneGroup", {"name": declared.name}, _group_spec(declared))
        case Lane():
            return _document(OWN, "Lane", {"name": declared.name}, _lane_spec(declared))
        case Workload():
            metadata = {**_reference(declared.name), "labels": dict(declared.labels)}
            return _document(OWN, "Workload", metadata, _workload_spec(declared))
        case Service():
            return _document("v1", "Service", _reference(declared.name), _service_spec(declared))
        case Gateway():
            metadata = _reference(declared.name)
            listens = [f"{s.port}={s.listen}" for s in declared.servers if s.listen is not None]
            if listens:
                metadata["annotations"] = {LISTEN_PORTS: ",".join(listens)}
            return _document(ISTIO, "Gateway", metadata, _gateway_spec(declared))


def _document(
    api_version: str, kind: str, metadata: dict[str, Any], spec: dict[str, Any]
) -> dict[str, Any]:
    spec = {name: value for name, value in spec.items() if value is not None}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def _reference(name: ObjectName) -> dict[str, Any]:
    return {"name": name.name, "namespace": name.namespace}


def _match(match: StringMatch) -> dict[str, str]:
    return {match.kind.value: match.value}


def _group_spec(group: LaneGroup) -> dict[str, Any]:
    return {
        "gateway": _reference(group.gateway) if group.gateway else None,
        "mode": group.mode.value,
        "routeHeader": group.route_header,
        "traceHeader": group.trace_header,
        "baseline": group.baseline,
        "serviceBaselines": {str(name): lane for name, lane in group.service_baselines.items()},
        "unmatched": group.unmatched.value,
        "sticky": {group.sticky.kind.value: group.sticky.name} if group.sticky else None,
        "services": [_reference(service) for service in group.services],
    }


def _lane_spec(lane: Lane) -> dict[str, Any]:
    return {
        "group": lane.group,
        "selector": dict(lane.selector),
        "services": [_reference(service) for service in lane.services] or None,
        "ingress": [_rule(rule) for rule in lane.ingress],
        "fallback": list(lane.fallback),
        "mode": lane.mode.value if lane.mode else None,
        "weight": lane.weight,
    }


def _rule(rule: IngressRule) -> dict[str, Any]:
    port = {} if rule.port is None else {"port": rule.port}
    uri = {} if rule.uri is None else {"uri": _match(rule.uri)}
    return {
        "name": rule.name,
        "hosts": list(rule.hosts),
        **uri,
        "methods": list(rule.methods),
        "headers": {name: _match(match) for name, match in rule.headers.items()},
        "query": {name: _match(match) for name, match in rule.query.items()},
        "destination": {"service": _reference(rule.destination), **port},
        "online": rule.online,
    }


def _workload_spec(workload: Workload) -> dict[str, Any]:
    started = {
        "command": list(workload.command),
        "workingDir": workload.working_dir,
        "env": dict(workload.env),
        "restartPolicy": workload.restart.value,
    }
    return {
        **({"address": workload.address} if workload.address else started),
        "ports": [
            {**({"name": p.name} if p.name else {}), "port": p.number, "listen": p.listen}
            for p in workload.ports
        ],
        "readiness": _readiness(workload.readiness),
        "startTimeoutSeconds": workload.start_timeout,
    }


def _readiness(probe: ReadinessProbe) -> dict[str, Any]:
    port = {"port": probe.port} if probe.port else {}
    target = (
        {"tcpSocket": port} if probe.path is None else {"httpGet": {"path": probe.path, **port}}
    )
    return {
        **target,
        "initialDelaySeconds": probe.initial_delay,
        "periodSeconds": probe.period,
        "timeoutSeconds": probe.timeout,
        "failureThreshold": probe.failure_threshold,
        "successThreshold": probe.success_threshold,
    }


def _service_spec(service: Service) -> dict[str, Any]:
    return {
        "selector": dict(service.selector) or None,
        "ports": [
            {
                **({"name": port.name} if port.name else {}),
                "port": port.port,
                **({"targetPort": port.target} if port.target else {}),
            }
            for port in service.ports
        ],
    }


def _gateway_spec(gateway: Gateway) -> dict[str, Any]:
    return {
        "selector": dict(gateway.selector) or None,
        "servers": [
            {
                "port": {"number": s.port, "name": s.name, "protocol": s.protocol},
                "hosts": list(s.hosts),
                **({"tls": _tls(s)} if s.tls else {}),
            }
            for s in gateway.servers
        ],
    }


def _tls(server: GatewayServer) -> dict[str, Any]:
    """Without its certificates, which laneway does not read."""
    return {"mode": "SIMPLE"} if server.protocol == "HTTPS" else {"httpsRedirect": True}
